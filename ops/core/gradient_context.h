#pragma once

#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "graph/graph.h"

namespace strop {

// What a gradient rule sees of one forward node, and how it builds the backward nodes.
// Rules know no shapes: where the gradient needs one they pass the forward value to an operator
// that takes it shape-only (SumToLike, ReshapeLike, BroadcastLike, SliceGradient, …). They neither
// add up gradients nor undo broadcasting; the walker does both.
class GradientContext {
 public:
  virtual ~GradientContext() = default;

  virtual const Node& node() const = 0;

  // The forward node's values. kNoValue when absent.
  virtual ValueId input(size_t index) const = 0;
  // An output that the node leaves out is added to it: that is how a rule saves what forward
  // computed (statistics, masks).
  virtual ValueId output(size_t index) = 0;

  // The cotangent of an output, in its type and shape; kNoValue when nothing flows back into it
  // (treat as zero).
  virtual ValueId output_gradient(size_t index) const = 0;

  // True if the training needs this input's gradient; the rule should skip the others.
  virtual bool needs_gradient(size_t index) const = 0;

  // The result. An input that needs a gradient and gets none is an internal error; say it
  // is zero with SetZeroGradient.
  virtual void SetInputGradient(size_t index, ValueId gradient) = 0;
  virtual void SetZeroGradient(size_t index) = 0;

  // Adds a node and returns its first output, or all `output_count`. Types follow from the op's
  // own rule; a failure is kept and reported by the walker, so that rules read as formulas.
  ValueId Emit(std::string_view op_type, std::vector<ValueId> inputs, Attributes attributes = {}) {
    return EmitIn("", op_type, std::move(inputs), std::move(attributes), 1)[0];
  }
  // The same for an operator of Strop's own domain.
  ValueId EmitStrop(std::string_view op_type, std::vector<ValueId> inputs,
                    Attributes attributes = {}) {
    return EmitIn(kStropDomain, op_type, std::move(inputs), std::move(attributes), 1)[0];
  }
  virtual std::vector<ValueId> EmitIn(std::string_view domain, std::string_view op_type,
                                      std::vector<ValueId> inputs, Attributes attributes,
                                      size_t output_count) = 0;

  // A rank-0 constant of `like`'s element type.
  virtual ValueId Scalar(double number, ValueId like) = 0;
  // A constant tensor, for axes and shapes.
  virtual ValueId Constant(Tensor tensor) = 0;

  virtual DataType element_type(ValueId value) const = 0;
};

}  // namespace strop
