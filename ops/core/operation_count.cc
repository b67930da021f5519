#include "ops/core/operation_count.h"

namespace strop {

double Elements(const Graph& graph, const std::vector<ValueId>& operands, size_t index) {
  if (index >= operands.size() || operands[index] == kNoValue) return 0;
  const std::optional<Shape>& shape = graph.type(operands[index]).shape;
  return shape ? static_cast<double>(ElementCount(*shape)) : 0;
}

double DimensionFromEnd(const Graph& graph, ValueId value, size_t axis_from_end) {
  const std::optional<Shape>& shape = graph.type(value).shape;
  if (!shape || shape->size() < axis_from_end) return 1;
  return static_cast<double>((*shape)[shape->size() - axis_from_end]);
}

double FirstDimension(const Graph& graph, ValueId value) {
  const std::optional<Shape>& shape = graph.type(value).shape;
  return shape && !shape->empty() ? static_cast<double>(shape->front()) : 1;
}

}  // namespace strop
