#include "plugin/engine/differentiate/gradient_reach.h"

#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "ops/core/registry.h"

namespace strop {
namespace {

bool IsDifferentiable(const Node& node, size_t input) {
  const OpDefinition* op = FindOp(node.domain, node.op_type);
  return op == nullptr || op->differentiability_of(input) != Differentiability::kNotDifferentiable;
}

// "a", "b" and 7 more
std::string NameList(const std::vector<std::string>& names) {
  constexpr size_t kShown = 4;
  const size_t shown = names.size() <= kShown + 1 ? names.size() : kShown;
  std::string list;
  for (size_t i = 0; i < shown; ++i) {
    const bool is_last = i > 0 && i + 1 == names.size();
    absl::StrAppend(&list, i == 0 ? "" : is_last ? " and " : ", ", "\"", names[i], "\"");
  }
  if (shown < names.size()) absl::StrAppend(&list, " and ", names.size() - shown, " more");
  return list;
}

}  // namespace

std::vector<UnreachedTensor> FindUnreached(const Graph& graph, absl::Span<const ValueId> outputs,
                                           absl::Span<const ValueId> wrt,
                                           absl::Span<const ValueId> gradients,
                                           const std::string& destination) {
  std::vector<UnreachedTensor> unreached;
  const GradientReach reach(graph, outputs);
  for (size_t i = 0; i < wrt.size(); ++i) {
    if (gradients[i] != kNoValue) continue;
    unreached.push_back(
        {graph.value(wrt[i]).name,
         reach.WhyNot(wrt[i], destination)
             .value_or(absl::StrCat("what ", destination, " takes of it has no gradient"))});
  }
  return unreached;
}

std::vector<std::string> DescribeUnreached(absl::Span<const UnreachedTensor> unreached) {
  std::vector<std::string> reasons;  // in the order in which they are met
  std::map<std::string, std::vector<std::string>> names;
  for (const UnreachedTensor& tensor : unreached) {
    std::vector<std::string>& with_reason = names[tensor.reason];
    if (with_reason.empty()) reasons.push_back(tensor.reason);
    with_reason.push_back(tensor.name);
  }
  std::vector<std::string> lines;
  for (const std::string& reason : reasons) {
    lines.push_back(absl::StrCat(NameList(names[reason]),
                                 names[reason].size() == 1 ? " gets" : " get",
                                 " no gradient: ", reason));
  }
  return lines;
}

GradientReach::GradientReach(const Graph& graph, absl::Span<const ValueId> outputs)
    : graph_(graph), ways_(graph.values.size()) {
  for (const ValueId output : outputs) way(output) = {.is_read = true, .is_reached = true};
  for (size_t n = graph.nodes.size(); n-- > 0;) {
    const std::vector<ValueId>& results = graph.nodes[n].outputs;
    const bool is_read = std::any_of(results.begin(), results.end(), [&](ValueId output) {
      return output != kNoValue && way(output).is_read;
    });
    if (!is_read) continue;
    for (size_t i = 0; i < graph.nodes[n].inputs.size(); ++i) FollowInput(n, i);
  }
}

void GradientReach::FollowInput(size_t node_index, size_t input) {
  const Node& node = graph_.nodes[node_index];
  if (node.inputs[input] == kNoValue) return;
  Way& from = way(node.inputs[input]);
  from.is_read = true;
  bool flows_on = false;
  if (IsDifferentiable(node, input)) {
    for (const ValueId output : node.outputs) {
      if (output == kNoValue || !way(output).is_read) continue;
      if (!IsFloating(graph_.type(output).element_type)) continue;
      const Way& onward = way(output);
      flows_on = true;
      from.is_reached |= onward.is_reached;
      if (!onward.is_reached) AddStop(from, onward.stop, onward.has_other_stops);
    }
  }
  if (!flows_on) AddStop(from, static_cast<int>(node_index), false);
}

void GradientReach::AddStop(Way& way, int node, bool is_one_of_several) {
  way.has_other_stops |= is_one_of_several || (way.stop >= 0 && way.stop != node);
  way.stop = way.stop < 0 ? node : std::min(way.stop, node);
}

std::optional<std::string> GradientReach::WhyNot(ValueId value,
                                                 const std::string& destination) const {
  const Way& found = way(value);
  if (found.is_reached) return std::nullopt;
  if (!found.is_read) return absl::StrCat("nothing on the way to ", destination, " reads it");
  const std::string stop = NodeLabel(graph_.nodes[static_cast<size_t>(found.stop)]);
  return absl::StrCat("every path to ", destination, " passes ", stop,
                      found.has_other_stops ? " or another operator" : "",
                      ", through which no gradient flows");
}

}  // namespace strop
