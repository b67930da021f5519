#include "ops/core/type_context.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace strop {

absl::StatusOr<std::vector<int64_t>> ShapeContext::ConstantIntegers(size_t index) const {
  if (!has_input(index)) return std::vector<int64_t>();
  if (constant(index) == nullptr) {
    return absl::UnimplementedError(
        absl::StrCat(NodeLabel(node_), ": input ", index,
                     " decides a shape and depends on data; only constants and what follows from "
                     "shapes can do so"));
  }
  return IntegerElements(*constant(index));
}

absl::StatusOr<std::vector<double>> ShapeContext::ConstantNumbers(size_t index) const {
  if (!has_input(index)) return std::vector<double>();
  if (constant(index) == nullptr) {
    return absl::UnimplementedError(
        absl::StrCat(NodeLabel(node_), ": input ", index, " decides a shape and depends on data"));
  }
  return NumericElements(*constant(index));
}

absl::Status ShapeContext::Mismatch(const std::string& found, const std::string& expected) const {
  return absl::InvalidArgumentError(
      absl::StrCat(NodeLabel(node_), ": found ", found, ", expected ", expected));
}

absl::Status ElementTypeContext::Expect(size_t index, DataType type) const {
  const DataType found = input(index);
  if (found == type || found == DataType::kUndefined) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(NodeLabel(node_), ": input ", index, " is ",
                                                 std::string(DataTypeName(found)), ", expected ",
                                                 std::string(DataTypeName(type))));
}

absl::Status ElementTypeContext::ExpectFloating(size_t index) const {
  return IsFloating(input(index)) ? absl::OkStatus() : Expect(index, DataType::kFloat);
}

absl::Status SameElementTypeAsInput0(ElementTypeContext& context) {
  context.set_all_outputs(context.input(0));
  return absl::OkStatus();
}

absl::Status BoolElementType(ElementTypeContext& context) {
  context.set_all_outputs(DataType::kBool);
  return absl::OkStatus();
}

absl::Status Int64ElementType(ElementTypeContext& context) {
  context.set_all_outputs(DataType::kInt64);
  return absl::OkStatus();
}

absl::Status SameShapeAsInput0(ShapeContext& context) {
  for (size_t i = 0; i < context.output_count(); ++i) context.set_output(i, context.input(0));
  return absl::OkStatus();
}

absl::Status BroadcastShape(ShapeContext& context) {
  Shape shape = context.input(0);
  for (size_t i = 1; i < context.input_count(); ++i) {
    if (!context.has_input(i)) continue;
    absl::StatusOr<Shape> joined = Broadcast(shape, context.input(i));
    if (!joined.ok()) {
      return context.Mismatch(ShapeName(shape) + " beside " + ShapeName(context.input(i)),
                              "shapes that broadcast (each dimension equal or 1)");
    }
    shape = *std::move(joined);
  }
  context.set_output(0, std::move(shape));
  return absl::OkStatus();
}

absl::StatusOr<Shape> Broadcast(absl::Span<const int64_t> a, absl::Span<const int64_t> b) {
  const size_t rank = std::max(a.size(), b.size());
  Shape shape(rank, 1);
  for (size_t i = 0; i < rank; ++i) {
    const int64_t from_a = i < rank - a.size() ? 1 : a[i - (rank - a.size())];
    const int64_t from_b = i < rank - b.size() ? 1 : b[i - (rank - b.size())];
    if (from_a != from_b && from_a != 1 && from_b != 1) {
      return absl::InvalidArgumentError(
          absl::StrCat("shapes ", ShapeName(a), " and ", ShapeName(b), " do not broadcast"));
    }
    shape[i] = from_a == 1 ? from_b : from_a;
  }
  return shape;
}

absl::StatusOr<int64_t> NormalizeAxis(int64_t axis, int64_t rank) {
  if (axis < -rank || axis >= rank) {
    return absl::InvalidArgumentError(
        absl::StrCat("axis ", axis, " is outside a tensor of rank ", rank));
  }
  return axis < 0 ? axis + rank : axis;
}

}  // namespace strop
