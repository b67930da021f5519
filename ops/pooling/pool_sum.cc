#include <array>
#include <cmath>

#include "ops/pooling/pool_geometry.h"

namespace strop {
namespace {

// ---- Average

// The number of cells that each output is divided by.
std::vector<double> Divisors(const Node& node, const Pool& pool) {
  const bool count_pads = node.attributes.Int("count_include_pad", 0) != 0;
  const Window& window = pool.window;
  const Shape output_strides = DenseStrides(window.output);
  std::vector<double> divisors(static_cast<size_t>(pool.outputs));
  for (int64_t s = 0; s < pool.outputs; ++s) {
    int64_t count = 1;
    for (size_t axis = 0; axis < window.rank(); ++axis) {
      const int64_t start = s / output_strides[axis] % window.output[axis] * window.strides[axis] -
                            window.pads_begin[axis];
      const int64_t low = count_pads ? -window.pads_begin[axis] : 0;
      const int64_t high = window.input[axis] + (count_pads ? window.pads_end[axis] : 0);
      int64_t inside = 0;
      for (int64_t tap = 0; tap < window.kernel[axis]; ++tap) {
        const int64_t cell = start + tap * window.dilations[axis];
        if (cell >= low && cell < high) ++inside;
      }
      count *= inside;
    }
    divisors[static_cast<size_t>(s)] = static_cast<double>(std::max<int64_t>(count, 1));
  }
  return divisors;
}

template <typename T>
void Average(const Pool& pool, const std::vector<double>& divisors,
             const KernelArguments& arguments) {
  using Compute = ComputeType<T>;
  const T* const x = arguments.input<T>(0);
  T* const y = arguments.output<T>(0);
  ForEachOutput(pool, [&](int64_t x_offset, int64_t y_offset, int64_t s, auto width) {
    std::array<Compute, kLanes> sums = {};
    pool.ForEachCell(s, [&](int64_t, int64_t cell) {
      const T* const from = x + x_offset + cell;
      for (int64_t j = 0; j < width; ++j) {
        sums[static_cast<size_t>(j)] += static_cast<Compute>(from[j]);
      }
    });
    const auto divisor = static_cast<Compute>(divisors[static_cast<size_t>(s)]);
    for (int64_t j = 0; j < width; ++j) {
      y[y_offset + j] = static_cast<T>(sums[static_cast<size_t>(j)] / divisor);
    }
  });
}

template <typename T>
void AverageGradient(const Pool& pool, const std::vector<double>& divisors,
                     const KernelArguments& arguments) {
  using Compute = ComputeType<T>;
  const T* const dy = arguments.input<T>(0);
  T* const dx = arguments.output<T>(0);
  ForEachOutputOfLanes(pool, dx, [&](int64_t x_offset, int64_t y_offset, int64_t s, auto width) {
    std::array<Compute, kLanes> share = {};
    const auto divisor = static_cast<Compute>(divisors[static_cast<size_t>(s)]);
    for (int64_t j = 0; j < width; ++j) {
      share[static_cast<size_t>(j)] = static_cast<Compute>(dy[y_offset + j]) / divisor;
    }
    pool.ForEachCell(s, [&](int64_t, int64_t cell) {
      T* const to = dx + x_offset + cell;
      for (int64_t j = 0; j < width; ++j) {
        to[j] = static_cast<T>(static_cast<Compute>(to[j]) + share[static_cast<size_t>(j)]);
      }
    });
  });
}

// ---- Norm

template <typename T>
void Norm(const Pool& pool, int64_t p, const KernelArguments& arguments) {
  using Compute = ComputeType<T>;
  const T* const x = arguments.input<T>(0);
  T* const y = arguments.output<T>(0);
  const auto exponent = static_cast<Compute>(p);
  ForEachOutput(pool, [&](int64_t x_offset, int64_t y_offset, int64_t s, auto width) {
    for (int64_t j = 0; j < width; ++j) {
      Compute sum = 0;
      pool.ForEachCell(s, [&](int64_t, int64_t cell) {
        sum += std::pow(std::abs(static_cast<Compute>(x[x_offset + cell + j])), exponent);
      });
      y[y_offset + j] = static_cast<T>(std::pow(sum, 1 / exponent));
    }
  });
}

template <typename T>
void NormGradient(const Pool& pool, int64_t p, const KernelArguments& arguments) {
  using Compute = ComputeType<T>;
  const T* const dy = arguments.input<T>(0);
  const T* const x = arguments.input<T>(1);
  const T* const y = arguments.input<T>(2);
  T* const dx = arguments.output<T>(0);
  const auto exponent = static_cast<Compute>(p - 1);
  ForEachOutputOfLanes(pool, dx, [&](int64_t x_offset, int64_t y_offset, int64_t s, auto width) {
    for (int64_t j = 0; j < width; ++j) {
      const Compute norm = static_cast<Compute>(y[y_offset + j]);
      if (norm == 0) continue;  // the subgradient 0, as in PyTorch
      const Compute cotangent = static_cast<Compute>(dy[y_offset + j]);
      pool.ForEachCell(s, [&](int64_t, int64_t cell) {
        const int64_t i = x_offset + cell + j;
        const Compute value = static_cast<Compute>(x[i]);
        const Compute sign = static_cast<Compute>((value > 0) - (value < 0));
        const Compute slope = sign * std::pow(std::abs(value) / norm, exponent);
        dx[i] = static_cast<T>(static_cast<Compute>(dx[i]) + cotangent * slope);
      });
    }
  });
}

}  // namespace

absl::StatusOr<std::unique_ptr<Kernel>> AveragePoolKernel(const KernelRequest& request) {
  const TensorDescription& x = request.inputs[0];
  STROP_ASSIGN_OR_RETURN(const SharedPool pool,
                         MakePool(request, x.shape, PreferredChannelLayout(request, x.shape)));
  STROP_ASSIGN_OR_RETURN(std::unique_ptr<Kernel> kernel,
                         FloatingKernel(request, pool,
                                        [divisors = Divisors(request.node, *pool)]<typename T>(
                                            const Pool& p, const KernelArguments& arguments) {
                                          Average<T>(p, divisors, arguments);
                                        }));
  kernel->input_layouts = {pool->x_memory};
  kernel->output_layouts = {YMemory(*pool, x.type)};
  return kernel;
}

absl::StatusOr<std::unique_ptr<Kernel>> AveragePoolGradientKernel(const KernelRequest& request) {
  STROP_ASSIGN_OR_RETURN(const SharedPool pool,
                         MakePool(request, request.inputs[1].shape, GradientMemory(request, 1)));
  STROP_ASSIGN_OR_RETURN(std::unique_ptr<Kernel> kernel,
                         FloatingKernel(request, pool,
                                        [divisors = Divisors(request.node, *pool)]<typename T>(
                                            const Pool& p, const KernelArguments& arguments) {
                                          AverageGradient<T>(p, divisors, arguments);
                                        }));
  kernel->input_layouts = {YMemory(*pool, request.inputs[0].type)};
  kernel->output_layouts = {pool->x_memory};
  return kernel;
}

absl::StatusOr<std::unique_ptr<Kernel>> LpPoolKernel(const KernelRequest& request) {
  const TensorDescription& x = request.inputs[0];
  STROP_ASSIGN_OR_RETURN(const SharedPool pool,
                         MakePool(request, x.shape, PreferredChannelLayout(request, x.shape)));
  STROP_ASSIGN_OR_RETURN(
      std::unique_ptr<Kernel> kernel,
      FloatingKernel(request, pool,
                     [exponent = request.node.attributes.Int("p", 2)]<typename T>(
                         const Pool& p, const KernelArguments& arguments) {
                       Norm<T>(p, exponent, arguments);
                     }));
  kernel->input_layouts = {pool->x_memory};
  kernel->output_layouts = {YMemory(*pool, x.type)};
  return kernel;
}

absl::StatusOr<std::unique_ptr<Kernel>> LpPoolGradientKernel(const KernelRequest& request) {
  STROP_ASSIGN_OR_RETURN(const SharedPool pool,
                         MakePool(request, request.inputs[1].shape, GradientMemory(request, 1)));
  STROP_ASSIGN_OR_RETURN(
      std::unique_ptr<Kernel> kernel,
      FloatingKernel(request, pool,
                     [exponent = request.node.attributes.Int("p", 2)]<typename T>(
                         const Pool& p, const KernelArguments& arguments) {
                       NormGradient<T>(p, exponent, arguments);
                     }));
  const Layout y_memory = YMemory(*pool, request.inputs[0].type);
  kernel->input_layouts = {y_memory, pool->x_memory, y_memory};
  kernel->output_layouts = {pool->x_memory};
  return kernel;
}

}  // namespace strop
