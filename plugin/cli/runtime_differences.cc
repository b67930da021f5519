#include "plugin/cli/runtime_differences.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "absl/strings/str_cat.h"
#include "ops/resize/resize.h"
#include "plugin/engine/plan/specialize.h"

namespace strop {
namespace {

constexpr double kRounding = 1e-5;  // of scales stored in float

bool IsWhole(double number) { return std::abs(number - std::round(number)) <= kRounding * number; }

bool AlignsCorners(const Node& node) {
  return node.domain.empty() && node.op_type == "Resize" &&
         ResizeAttributes(node).coordinates == "align_corners";
}

bool IsComplete(const TensorType& type) {
  return type.shape && std::count(type.shape->begin(), type.shape->end(), kUnknownDimension) == 0;
}

// The graph with every shape and what follows from them, where the inputs' are known.
Graph WithKnownShapes(const Graph& graph) {
  std::vector<Shape> shapes;
  for (const ValueId input : graph.inputs) {
    if (!IsComplete(graph.type(input))) return graph;
    shapes.push_back(*graph.type(input).shape);
  }
  return Specialize(graph, shapes).value_or(graph);
}

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

// align_corners puts the last element of the output on the last of the input. Where a scale gives
// no whole length, ONNX's reference takes the broken one for the output's, others the rounded one.
std::optional<std::string> ResizeDifference(const Graph& graph, const Node& node) {
  const std::vector<double> scales = ConstantNumbers(graph, node, 2);
  const std::vector<double> sizes = ConstantNumbers(graph, node, 3);
  if (IsComplete(graph.type(node.inputs[0]))) {
    const absl::StatusOr<std::vector<ResizedAxis>> axes =
        ResizeAxes(node, *graph.type(node.inputs[0]).shape, {}, scales,
                   std::vector<int64_t>(sizes.begin(), sizes.end()));
    if (!axes.ok()) return std::nullopt;
    for (const ResizedAxis& axis : *axes) {
      const double length = axis.scale * static_cast<double>(axis.input_length);
      if (axis.output_length <= 1 || IsWhole(length)) continue;
      return Difference(node, absl::StrCat("a length of ", length),
                        absl::StrCat(axis.output_length));
    }
    return std::nullopt;
  }
  const auto broken = std::find_if_not(scales.begin(), scales.end(), IsWhole);
  if (broken == scales.end()) return std::nullopt;
  return Difference(node, absl::StrCat("a scale of ", *broken, ", where it gives no whole length"),
                    "the rounded length");
}

}  // namespace

std::vector<std::string> RuntimeDifferences(const Graph& graph) {
  std::vector<std::string> differences;
  if (std::none_of(graph.nodes.begin(), graph.nodes.end(), AlignsCorners)) return differences;
  const Graph known = WithKnownShapes(graph);
  for (const Node& node : known.nodes) {
    if (!AlignsCorners(node)) continue;
    std::optional<std::string> difference = ResizeDifference(known, node);
    if (difference) differences.push_back(*std::move(difference));
  }
  return differences;
}

}  // namespace strop
