// Where other runtimes compute otherwise: ONNX Runtime and PyTorch agree against ONNX's reference,
// which Strop follows.

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "graph/known_shape.h"
#include "ops/resize/resize.h"

namespace strop {
namespace {

constexpr double kRounding = 1e-5;  // of scales stored in float

bool IsWhole(double number) { return std::abs(number - std::round(number)) <= kRounding * number; }

// The elements of an input that is a constant; none where it is absent or computed.
std::vector<double> ConstantNumbers(const Graph& graph, const Node& node, size_t input) {
  if (input >= node.inputs.size() || node.inputs[input] == kNoValue) return {};
  const Value& value = graph.value(node.inputs[input]);
  if (value.kind != ValueKind::kConstant) return {};
  return NumericElements(value.tensor).value_or(std::vector<double>());
}

std::string Difference(const Node& node, const std::string& found, const std::string& others) {
  return absl::StrCat(NodeLabel(node), ": align_corners with ", found,
                      ": Strop and ONNX's reference reach the last element of the input at that "
                      "length less one, ONNX Runtime and PyTorch at ",
                      others, " less one; give Resize sizes instead of scales");
}

}  // namespace

// align_corners puts the last element of the output on the last of the input. Where a scale gives
// no whole length, ONNX's reference takes the broken one for the output's, others the rounded one.
std::string ResizeDifference(const Graph& graph, const Node& node) {
  if (ResizeAttributes(node).coordinates != "align_corners") return "";
  const std::vector<double> scales = ConstantNumbers(graph, node, 2);
  const std::vector<double> sizes = ConstantNumbers(graph, node, 3);
  if (IsShapeKnown(graph.type(node.inputs[0]))) {
    const absl::StatusOr<std::vector<ResizedAxis>> axes =
        ResizeAxes(node, *graph.type(node.inputs[0]).shape, {}, scales,
                   std::vector<int64_t>(sizes.begin(), sizes.end()));
    if (!axes.ok()) return "";
    for (const ResizedAxis& axis : *axes) {
      const double length = axis.scale * static_cast<double>(axis.input_length);
      if (axis.output_length <= 1 || IsWhole(length)) continue;
      return Difference(node, absl::StrCat("a length of ", length),
                        absl::StrCat(axis.output_length));
    }
    return "";
  }
  const auto broken = std::find_if_not(scales.begin(), scales.end(), IsWhole);
  if (broken == scales.end()) return "";
  return Difference(node, absl::StrCat("a scale of ", *broken, ", where it gives no whole length"),
                    "the rounded length");
}

}  // namespace strop
