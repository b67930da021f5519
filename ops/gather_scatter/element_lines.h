#pragma once

#include <algorithm>
#include <cstdint>

#include "absl/status/statusor.h"
#include "graph/graph.h"
#include "ops/gather_scatter/indices.h"
#include "ops/kernels/parallel_for.h"

namespace strop {

// How GatherElements and ScatterElements address `data`: along `axis` by index, along all other
// axes in place. Index lines never share a data element, so they run in parallel.
struct ElementLines {
  int64_t extent = 1;  // of data along the axis
  int64_t length = 1;  // of the index tensor along the axis
  Shape index_shape;   // without the axis
  Shape index_strides;
  Shape data_strides;
  int64_t index_step = 1;  // along the axis
  int64_t data_step = 1;

  // Reads `axis`; InvalidArgument naming the node when the index tensor is not as deep as `data` or
  // reaches beyond it.
  static absl::StatusOr<ElementLines> Make(const Node& node, const Shape& data,
                                           const Shape& indices, int64_t default_axis);

  int64_t index_count() const { return ElementCount(index_shape) * length; }

  // Calls visit(position in the index tensor, element of data), in order along each line.
  template <typename Visit>
  void ForEach(const Indices& indices, const Visit& visit) const {
    if (length == 0) return;
    ParallelFor(ElementCount(index_shape), std::max<int64_t>(1, 4096 / length),
                [&](int64_t begin, int64_t end) {
                  for (int64_t line = begin; line < end; ++line) {
                    int64_t position = 0;
                    int64_t element = 0;
                    int64_t rest = line;
                    for (size_t axis = index_shape.size(); axis-- > 0;) {
                      const int64_t coordinate = rest % index_shape[axis];
                      rest /= index_shape[axis];
                      position += coordinate * index_strides[axis];
                      element += coordinate * data_strides[axis];
                    }
                    for (int64_t i = 0; i < length; ++i, position += index_step) {
                      visit(position, element + indices.Wrapped(position, extent) * data_step);
                    }
                  }
                });
  }
};

}  // namespace strop
