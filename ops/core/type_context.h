#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "graph/graph.h"
#include "graph/status_macros.h"

namespace strop {

// What an element-type rule sees and sets.
class ElementTypeContext {
 public:
  ElementTypeContext(const Node& node, std::vector<DataType> inputs)
      : node_(node), inputs_(std::move(inputs)), outputs_(node.outputs.size()) {}

  const Node& node() const { return node_; }
  // kUndefined for an absent input.
  DataType input(size_t index) const {
    return index < inputs_.size() ? inputs_[index] : DataType::kUndefined;
  }
  // InvalidArgument naming the node and the input, unless that is of the type, or of any floating
  // one, or absent.
  absl::Status Expect(size_t index, DataType type) const;
  absl::Status ExpectFloating(size_t index) const;

  size_t output_count() const { return outputs_.size(); }
  // Outputs that the node leaves out may be set all the same.
  void set_output(size_t index, DataType type) {
    if (index < outputs_.size()) outputs_[index] = type;
  }
  void set_all_outputs(DataType type) { outputs_.assign(outputs_.size(), type); }
  absl::Span<const DataType> outputs() const { return outputs_; }

 private:
  const Node& node_;
  std::vector<DataType> inputs_;
  std::vector<DataType> outputs_;
};

// What a shape rule sees and sets. All input shapes are fully known.
class ShapeContext {
 public:
  struct Input {
    const Shape* shape = nullptr;      // null for an absent input
    const Tensor* constant = nullptr;  // the elements, where known
  };

  ShapeContext(const Node& node, std::vector<Input> inputs)
      : node_(node), inputs_(std::move(inputs)), outputs_(node.outputs.size()) {}

  const Node& node() const { return node_; }
  size_t input_count() const { return inputs_.size(); }
  bool has_input(size_t index) const {
    return index < inputs_.size() && inputs_[index].shape != nullptr;
  }
  // The input must be present.
  const Shape& input(size_t index) const { return *inputs_[index].shape; }
  int64_t rank(size_t index) const { return static_cast<int64_t>(input(index).size()); }

  // Elements of an integer input that must be known before the step runs (a shape, axes, pads).
  // Empty for an absent input; Unimplemented when it depends on data.
  absl::StatusOr<std::vector<int64_t>> ConstantIntegers(size_t index) const;
  // The same for any numeric input.
  absl::StatusOr<std::vector<double>> ConstantNumbers(size_t index) const;
  const Tensor* constant(size_t index) const {
    return index < inputs_.size() ? inputs_[index].constant : nullptr;
  }

  size_t output_count() const { return outputs_.size(); }
  void set_output(size_t index, Shape shape) {
    if (index < outputs_.size()) outputs_[index] = std::move(shape);
  }
  absl::Span<const Shape> outputs() const { return outputs_; }

  // InvalidArgument "node (Op): found …, expected …".
  absl::Status Mismatch(const std::string& found, const std::string& expected) const;

 private:
  const Node& node_;
  std::vector<Input> inputs_;
  std::vector<Shape> outputs_;
};

// Rules that many operators share.
absl::Status SameElementTypeAsInput0(ElementTypeContext& context);
absl::Status BoolElementType(ElementTypeContext& context);
absl::Status Int64ElementType(ElementTypeContext& context);
absl::Status SameShapeAsInput0(ShapeContext& context);
// Output 0 has the shape to which all inputs broadcast.
absl::Status BroadcastShape(ShapeContext& context);

// NumPy broadcasting of two shapes; InvalidArgument when they do not agree.
absl::StatusOr<Shape> Broadcast(absl::Span<const int64_t> a, absl::Span<const int64_t> b);

// `axis` counted from the front; InvalidArgument outside [-rank, rank).
absl::StatusOr<int64_t> NormalizeAxis(int64_t axis, int64_t rank);

}  // namespace strop
