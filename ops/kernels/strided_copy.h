#pragma once

#include <cstddef>
#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "graph/tensor_type.h"
#include "ops/core/kernel.h"

namespace strop {

// Copies a box of elements between two strided arrays:
//
//   destination[destination_offset + Σ i_d·destination_strides[d]]
//     = source[source_offset + Σ i_d·source_strides[d]]      for all i in `shape`
//
// Strides and offsets count elements and may be negative; a source stride of 0 repeats elements.
// Destination elements must be distinct. Elements are moved as bytes, whatever their type.
struct StridedBox {
  Shape shape;
  Shape source_strides;
  Shape destination_strides;
  int64_t source_offset = 0;
  int64_t destination_offset = 0;
};

// The same box with the fewest dimensions: ones dropped, neighbours that step as one merged, and
// the dimensions ordered so that the destination is written forwards.
StridedBox Simplify(const StridedBox& box);

// Runs a simplified box. `element_size` is 1, 2, 4, 8 or 16 bytes.
void CopyStrided(const StridedBox& box, size_t element_size, const void* source, void* destination);

// Zeroes `bytes` bytes, in parallel.
void FillZero(void* destination, size_t bytes);

// Bytes an element takes; Unimplemented, naming the node, for packed and string types.
absl::StatusOr<size_t> ElementSize(const Node& node, DataType type);

// A kernel that fills output 0 from input 0 by one box.
absl::StatusOr<std::unique_ptr<Kernel>> StridedCopyKernel(const KernelRequest& request,
                                                          const StridedBox& box);

// Output 0 is input 0's bytes: what a view does where the planner could not alias it.
absl::StatusOr<std::unique_ptr<Kernel>> ViewKernel(const KernelRequest& request);

}  // namespace strop
