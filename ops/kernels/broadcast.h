#pragma once

#include <vector>

#include "absl/container/inlined_vector.h"
#include "graph/tensor_type.h"
#include "ops/core/kernel.h"
#include "ops/kernels/parallel_for.h"

namespace strop {

// The walk over dense operands that broadcast to one output: neighbouring dimensions in which every
// operand steps alike are merged, so that equal shapes and scalars leave one dimension, a bias or
// a channel two or three. In the innermost dimension an operand steps by 1 or, broadcast, by 0.
class BroadcastWalk {
 public:
  // A run of `count` output elements from `begin` on, all in one innermost row.
  struct Row {
    int64_t begin;
    int64_t count;
    absl::Span<const int64_t> offsets;  // of each operand's first element
  };

  BroadcastWalk(absl::Span<const int64_t> output, absl::Span<const Shape> operands);

  int64_t element_count() const { return element_count_; }
  // Elements of an innermost row.
  int64_t inner_size() const { return shape_.back(); }
  // 1, or 0 where the operand is broadcast along the rows.
  int64_t inner_step(size_t operand) const { return steps_[operand].back(); }

  // Calls visit(row) for the rows of [begin, end) in order.
  template <typename Visit>
  void ForEachRow(int64_t begin, int64_t end, const Visit& visit) const {
    const size_t inner = shape_.size() - 1;
    Shape index(shape_.size(), 0);
    int64_t rest = begin;
    for (size_t d = shape_.size(); d-- > 0;) {
      index[d] = rest % shape_[d];
      rest /= shape_[d];
    }
    absl::InlinedVector<int64_t, 8> offsets(steps_.size());
    while (begin < end) {
      for (size_t k = 0; k < steps_.size(); ++k) {
        offsets[k] = 0;
        for (size_t d = 0; d <= inner; ++d) offsets[k] += index[d] * steps_[k][d];
      }
      const int64_t count = std::min(end - begin, shape_[inner] - index[inner]);
      visit(Row{begin, count, offsets});
      begin += count;
      index[inner] = 0;
      for (size_t d = inner; d-- > 0;) {
        if (++index[d] < shape_[d]) break;
        index[d] = 0;
      }
    }
  }

  // The same over the whole output, shared among the threads.
  template <typename Visit>
  void ParallelForEachRow(int64_t grain, const Visit& visit) const {
    ParallelFor(element_count_, grain,
                [&](int64_t begin, int64_t end) { ForEachRow(begin, end, visit); });
  }

 private:
  int64_t element_count_;
  Shape shape_;               // merged, never of rank 0
  std::vector<Shape> steps_;  // [operand][dimension]
};

// The walk of a kernel whose inputs broadcast to output 0.
BroadcastWalk WalkOf(const KernelRequest& request);

}  // namespace strop
