#include "importer/node_order.h"

#include <onnx/onnx_pb.h>

#include <queue>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"

namespace strop {
namespace {

using onnx::GraphProto;
using onnx::NodeProto;

void CollectFreeNames(const GraphProto& graph, std::vector<std::string>& names) {
  absl::flat_hash_set<std::string> own;
  for (const auto& input : graph.input()) own.insert(input.name());
  for (const auto& tensor : graph.initializer()) own.insert(tensor.name());
  for (const NodeProto& node : graph.node()) own.insert(node.output().begin(), node.output().end());
  const auto read = [&](const std::string& name) {
    if (!own.contains(name)) names.push_back(name);
  };
  for (const NodeProto& node : graph.node()) {
    for (const std::string& name : NamesRead(node)) read(name);
  }
  for (const auto& output : graph.output()) read(output.name());
}

absl::Status CycleError(const std::vector<const NodeProto*>& nodes,
                        const std::vector<int>& waiting) {
  constexpr int kShown = 5;
  std::string labels;
  int count = 0;
  for (size_t n = 0; n < nodes.size(); ++n) {
    if (waiting[n] == 0) continue;
    if (++count <= kShown)
      absl::StrAppend(&labels, count > 1 ? ", " : "", NodeProtoLabel(*nodes[n]));
  }
  if (count > kShown) absl::StrAppend(&labels, " and ", count - kShown, " more");
  return absl::InvalidArgumentError(
      absl::StrCat("nodes ", labels,
                   " wait for one another's results, expected a graph without cycles; export "
                   "the model again"));
}

}  // namespace

std::vector<std::string> NamesRead(const NodeProto& node) {
  std::vector<std::string> names;
  for (const std::string& input : node.input()) {
    if (!input.empty()) names.push_back(input);
  }
  for (const auto& attribute : node.attribute()) {
    if (attribute.has_g()) CollectFreeNames(attribute.g(), names);
    for (const GraphProto& graph : attribute.graphs()) CollectFreeNames(graph, names);
  }
  return names;
}

std::string NodeProtoName(const NodeProto& node) {
  if (!node.name().empty()) return node.name();
  for (const std::string& output : node.output()) {
    if (!output.empty()) return absl::StrCat(node.op_type(), "_", output);
  }
  return node.op_type();
}

std::string NodeProtoLabel(const NodeProto& node) {
  return absl::StrCat("\"", NodeProtoName(node), "\" (",
                      node.domain().empty() ? "" : node.domain() + ".", node.op_type(), ")");
}

absl::StatusOr<std::vector<const NodeProto*>> OrderNodes(
    std::vector<const NodeProto*> nodes, const std::function<bool(const std::string&)>& is_known) {
  absl::flat_hash_map<std::string, size_t> producer;
  for (size_t n = 0; n < nodes.size(); ++n) {
    for (const std::string& output : nodes[n]->output()) {
      if (output.empty()) continue;
      if (!producer.emplace(output, n).second) {
        return absl::InvalidArgumentError(
            absl::StrCat("node ", NodeProtoLabel(*nodes[n]), " computes \"", output,
                         "\", which node ", NodeProtoLabel(*nodes[producer[output]]),
                         " computes too; every value needs a name of its own"));
      }
    }
  }
  std::vector<int> waiting(nodes.size(), 0);
  std::vector<std::vector<size_t>> readers(nodes.size());
  for (size_t n = 0; n < nodes.size(); ++n) {
    for (const std::string& name : NamesRead(*nodes[n])) {
      if (const auto found = producer.find(name); found != producer.end()) {
        readers[found->second].push_back(n);
        ++waiting[n];
      } else if (!is_known(name)) {
        return absl::InvalidArgumentError(absl::StrCat(
            "node ", NodeProtoLabel(*nodes[n]), " reads \"", name,
            "\", expected the name of an input, initializer or node output; the model is "
            "incomplete, export it again"));
      }
    }
  }
  // Kahn's algorithm; the smallest index first keeps the file's order where it is one.
  std::priority_queue<size_t, std::vector<size_t>, std::greater<>> ready;
  for (size_t n = 0; n < nodes.size(); ++n) {
    if (waiting[n] == 0) ready.push(n);
  }
  std::vector<const NodeProto*> ordered;
  while (!ready.empty()) {
    const size_t n = ready.top();
    ready.pop();
    ordered.push_back(nodes[n]);
    for (const size_t reader : readers[n]) {
      if (--waiting[reader] == 0) ready.push(reader);
    }
  }
  if (ordered.size() != nodes.size()) return CycleError(nodes, waiting);
  return ordered;
}

}  // namespace strop
