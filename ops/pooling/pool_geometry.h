#pragma once

#include <algorithm>
#include <memory>
#include <type_traits>
#include <vector>

#include "graph/visit_type.h"
#include "ops/kernels/channel_layout.h"
#include "ops/kernels/parallel_for.h"
#include "ops/pooling/pool_kernels.h"

namespace strop {

// Channels that are pooled side by side.
inline constexpr int64_t kLanes = 16;

// A pool with everything known. X and Y have channel layouts of the same block.
struct Pool {
  Window window;
  std::vector<int64_t> cells;  // CellTable
  int64_t taps = 0;
  int64_t outputs = 0;
  ChannelLayout x;
  ChannelLayout y;
  Layout x_memory;
  Shape y_shape;

  // Index of the first of the lanes of block `block` of image n, at cell 0.
  int64_t InputBase(int64_t image_block) const { return image_block * x.spatial * x.block; }
  int64_t OutputBase(int64_t image_block) const { return image_block * y.spatial * y.block; }
  // Calls body(k, offset of the input cell) for the kernel cells that lie inside X at output s.
  template <typename Body>
  void ForEachCell(int64_t s, const Body& body) const {
    for (int64_t k = 0; k < taps; ++k) {
      const int64_t cell = cells[static_cast<size_t>(k * outputs + s)];
      if (cell != kOutsideCell) body(k, cell * x.block);
    }
  }
};

using SharedPool = std::shared_ptr<const Pool>;

// Calls body(width) with the number of lanes, as a constant where they fill a register.
template <typename Body>
void WithWidth(int64_t width, const Body& body) {
  if (width == kLanes) {
    body(std::integral_constant<int64_t, kLanes>());
  } else {
    body(width);
  }
}

// Calls body(x offset, y offset, s, width) for every output cell and every group of lanes.
template <typename Body>
void ForEachOutput(const Pool& pool, const Body& body) {
  constexpr int64_t kGrain = 64;
  const int64_t images = pool.x.batch * pool.x.blocks();
  ParallelFor(images * pool.outputs, kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t item = begin; item < end; ++item) {
      const int64_t image = item / pool.outputs;
      const int64_t s = item % pool.outputs;
      for (int64_t lane = 0; lane < pool.x.block; lane += kLanes) {
        WithWidth(std::min(kLanes, pool.x.block - lane), [&](auto width) {
          body(pool.InputBase(image) + lane, pool.OutputBase(image) + s * pool.y.block + lane, s,
               width);
        });
      }
    }
  });
}

// The same for gradients: one thread has all cells of its lanes, dX starts at 0.
template <typename T, typename Body>
void ForEachOutputOfLanes(const Pool& pool, T* dx, const Body& body) {
  const int64_t lane_groups = (pool.x.block + kLanes - 1) / kLanes;
  const int64_t images = pool.x.batch * pool.x.blocks();
  ParallelFor(images * lane_groups, 1, [&](int64_t begin, int64_t end) {
    for (int64_t item = begin; item < end; ++item) {
      const int64_t image = item / lane_groups;
      const int64_t lane = item % lane_groups * kLanes;
      WithWidth(std::min(kLanes, pool.x.block - lane), [&](auto width) {
        const int64_t x = pool.InputBase(image) + lane;
        for (int64_t cell = 0; cell < pool.x.spatial; ++cell) {
          std::fill_n(dx + x + cell * pool.x.block, static_cast<int64_t>(width), T());
        }
        for (int64_t s = 0; s < pool.outputs; ++s) {
          body(x, pool.OutputBase(image) + s * pool.y.block + lane, s, width);
        }
      });
    }
  });
}

// The pool of a node over X in the given layout.
absl::StatusOr<SharedPool> MakePool(const KernelRequest& request, const Shape& x_shape,
                                    Layout x_memory);

// The layout of a Y of that type that corresponds to X's.
Layout YMemory(const Pool& pool, DataType type);

// X's layout as a gradient finds it, X at position `x`: its own where it is kept, or what
// corresponds to dY's.
Layout GradientMemory(const KernelRequest& request, size_t x);

// A kernel that runs step<T>(pool, arguments), T the floating element type of input 0.
template <typename Step>
absl::StatusOr<std::unique_ptr<Kernel>> FloatingKernel(const KernelRequest& request,
                                                       const SharedPool& pool, Step step) {
  std::unique_ptr<Kernel> kernel;
  const absl::Status status =
      VisitFloating(request.inputs[0].type, request.node.op_type, [&]<typename T>() {
        kernel = MakeKernel([pool, step](const KernelArguments& arguments) {
          step.template operator()<T>(*pool, arguments);
          return absl::OkStatus();
        });
        return absl::OkStatus();
      });
  if (!status.ok()) return status;
  return kernel;
}

}  // namespace strop
