#include "ops/kernels/broadcast.h"

namespace strop {
namespace {

// Steps of a dense operand in every dimension of the output; 0 where it is broadcast.
Shape StepsOf(absl::Span<const int64_t> operand, size_t output_rank) {
  Shape steps(output_rank, 0);
  int64_t step = 1;
  for (size_t i = 0; i < operand.size(); ++i) {
    const int64_t size = operand[operand.size() - 1 - i];
    if (size != 1) steps[output_rank - 1 - i] = step;
    step *= size;
  }
  return steps;
}

}  // namespace

BroadcastWalk::BroadcastWalk(absl::Span<const int64_t> output, absl::Span<const Shape> operands)
    : element_count_(ElementCount(output)), steps_(operands.size()) {
  std::vector<Shape> full;
  for (const Shape& operand : operands) full.push_back(StepsOf(operand, output.size()));
  for (size_t d = 0; d < output.size(); ++d) {
    if (output[d] == 1) continue;
    bool merges = !shape_.empty();
    for (size_t k = 0; merges && k < operands.size(); ++k) {
      merges = steps_[k].back() == full[k][d] * output[d];
    }
    if (merges) {
      shape_.back() *= output[d];
    } else {
      shape_.push_back(output[d]);
    }
    for (size_t k = 0; k < operands.size(); ++k) {
      if (merges) {
        steps_[k].back() = full[k][d];
      } else {
        steps_[k].push_back(full[k][d]);
      }
    }
  }
  if (!shape_.empty()) return;
  shape_.push_back(1);
  for (Shape& steps : steps_) steps.push_back(0);
}

BroadcastWalk WalkOf(const KernelRequest& request) {
  std::vector<Shape> operands;
  for (const TensorDescription& input : request.inputs) operands.push_back(input.shape);
  return BroadcastWalk(request.outputs[0].shape, operands);
}

}  // namespace strop
