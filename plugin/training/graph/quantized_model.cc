#include "plugin/training/graph/quantized_model.h"

#include "absl/strings/str_cat.h"
#include "importer/quantized_operator.h"

namespace strop {

std::string AdviceOnQuantized(const Graph& graph) {
  constexpr int kShown = 3;
  std::string names;
  int count = 0;
  for (const Node& node : graph.nodes) {
    if (!IsQuantizedOperator(node.op_type) || ++count > kShown) continue;
    absl::StrAppend(&names, count == 1 ? "" : ", ", NodeLabel(node));
  }
  if (count == 0) return "";
  if (count > kShown) absl::StrAppend(&names, " and ", count - kShown, " more");
  return absl::StrCat("the model is quantized already, by ", names,
                      "; its rounded weights have no gradient: train the float model that it was "
                      "made from, with --quantize int8");
}

absl::Status WithAdviceOnQuantized(const absl::Status& status, const Graph& graph) {
  const std::string advice = status.ok() ? "" : AdviceOnQuantized(graph);
  return advice.empty() ? status : absl::InvalidArgumentError("train: " + advice);
}

}  // namespace strop
