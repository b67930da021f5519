#include <array>
#include <limits>

#include "ops/pooling/pool_geometry.h"

namespace strop {
namespace {

template <typename T>
T LowestOf() {
  using Compute = ComputeType<T>;
  if constexpr (std::is_floating_point_v<Compute>) {
    return static_cast<T>(-std::numeric_limits<Compute>::infinity());
  } else {
    return std::numeric_limits<T>::lowest();
  }
}

// NaN wins, as in PyTorch.
template <typename Compute>
bool Beats(Compute candidate, Compute best) {
  return candidate > best || candidate != candidate;
}

template <typename T, typename Winner>
struct MaximumStep {
  static constexpr auto kNone = static_cast<int32_t>(static_cast<Winner>(-1));
  const Pool& pool;
  const T* x;
  T* y;
  Winner* winners;   // null when not wanted
  int64_t* indices;  // null when not wanted
  bool column_major;

  template <typename Width>
  void operator()(int64_t x_offset, int64_t y_offset, int64_t s, Width width) const {
    using Compute = ComputeType<T>;
    std::array<Compute, kLanes> best;
    std::array<int32_t, kLanes> taps;
    best.fill(static_cast<Compute>(LowestOf<T>()));
    taps.fill(kNone);
    pool.ForEachCell(s, [&](int64_t k, int64_t cell) {
      const T* const from = x + x_offset + cell;
      for (int64_t j = 0; j < width; ++j) {
        const auto lane = static_cast<size_t>(j);
        const Compute candidate = static_cast<Compute>(from[j]);
        const bool wins = Beats(candidate, best[lane]) || taps[lane] == kNone;
        best[lane] = wins ? candidate : best[lane];
        taps[lane] = wins ? static_cast<int32_t>(k) : taps[lane];
      }
    });
    for (int64_t j = 0; j < width; ++j) {
      y[y_offset + j] = static_cast<T>(best[static_cast<size_t>(j)]);
    }
    if (winners != nullptr) {
      for (int64_t j = 0; j < width; ++j) {
        winners[y_offset + j] = static_cast<Winner>(taps[static_cast<size_t>(j)]);
      }
    }
    // Only in dense layout, where a lane is a plane.
    if (indices != nullptr) indices[y_offset] = IndexOf(x_offset, taps[0], s);
  }

 private:
  int64_t IndexOf(int64_t plane, int32_t tap, int64_t s) const {
    if (tap == kNone) return plane;
    const int64_t cell = pool.cells[static_cast<size_t>(tap * pool.outputs + s)];
    if (!column_major) return plane + cell;
    int64_t rest = cell;
    int64_t index = 0;
    const Shape& input = pool.window.input;
    for (size_t axis = input.size(); axis-- > 0;) {
      index = index * input[axis] + rest % input[axis];
      rest /= input[axis];
    }
    // Digits came last axis first: the last axis is the slowest.
    return plane + index;
  }
};

template <typename T, typename Winner>
std::unique_ptr<Kernel> MaximumKernel(const KernelRequest& request, const SharedPool& pool,
                                      size_t winner_output) {
  const bool has_indices = winner_output == 2;
  const bool column_major = request.node.attributes.Int("storage_order", 0) != 0;
  return MakeKernel([=](const KernelArguments& arguments) {
    const MaximumStep<T, Winner> step{*pool,
                                      arguments.input<T>(0),
                                      arguments.output<T>(0),
                                      arguments.output<Winner>(winner_output),
                                      has_indices ? arguments.output<int64_t>(1) : nullptr,
                                      column_major};
    ForEachOutput(*pool, step);
    return absl::OkStatus();
  });
}

template <typename T, typename Winner>
void MaximumGradient(const Pool& pool, const KernelArguments& arguments) {
  const T* const dy = arguments.input<T>(0);
  const Winner* const winners = arguments.input<Winner>(1);
  T* const dx = arguments.output<T>(0);
  ForEachOutputOfLanes(pool, dx, [&](int64_t x_offset, int64_t y_offset, int64_t s, auto width) {
    for (int64_t j = 0; j < width; ++j) {
      const Winner tap = winners[y_offset + j];
      if (tap == static_cast<Winner>(-1)) continue;
      const int64_t cell = pool.cells[static_cast<size_t>(tap * pool.outputs + s)];
      T& sum = dx[x_offset + cell * pool.x.block + j];
      sum = static_cast<T>(static_cast<ComputeType<T>>(sum) +
                           static_cast<ComputeType<T>>(dy[y_offset + j]));
    }
  });
}

}  // namespace

absl::StatusOr<std::unique_ptr<Kernel>> MaxPoolKernel(const KernelRequest& request) {
  const TensorDescription& x = request.inputs[0];
  const size_t winner_output = request.node.op_type == "MaxPool" ? 2 : 1;
  const bool wants_indices = winner_output == 2 && request.has_output(1);
  STROP_ASSIGN_OR_RETURN(
      const SharedPool pool,
      MakePool(request, x.shape,
               wants_indices ? nullptr : PreferredChannelLayout(request, x.shape)));
  const DataType winner_type = WinnerType(request.node);
  std::unique_ptr<Kernel> kernel;
  const absl::Status status = VisitNumeric(x.type, request.node.op_type, [&]<typename T>() {
    kernel = winner_type == DataType::kUint8
                 ? MaximumKernel<T, uint8_t>(request, pool, winner_output)
                 : MaximumKernel<T, int32_t>(request, pool, winner_output);
    return absl::OkStatus();
  });
  if (!status.ok()) return status;
  kernel->input_layouts = {pool->x_memory};
  kernel->output_layouts.resize(winner_output + 1);
  kernel->output_layouts[0] = YMemory(*pool, x.type);
  kernel->output_layouts[winner_output] = YMemory(*pool, winner_type);
  return kernel;
}

absl::StatusOr<std::unique_ptr<Kernel>> MaxPoolGradientKernel(const KernelRequest& request) {
  STROP_ASSIGN_OR_RETURN(const SharedPool pool,
                         MakePool(request, request.inputs[2].shape, GradientMemory(request, 2)));
  const bool is_byte = request.inputs[1].type == DataType::kUint8;
  STROP_ASSIGN_OR_RETURN(
      std::unique_ptr<Kernel> kernel,
      FloatingKernel(request, pool,
                     [is_byte]<typename T>(const Pool& p, const KernelArguments& arguments) {
                       is_byte ? MaximumGradient<T, uint8_t>(p, arguments)
                               : MaximumGradient<T, int32_t>(p, arguments);
                     }));
  kernel->input_layouts = {YMemory(*pool, request.inputs[0].type),
                           YMemory(*pool, request.inputs[1].type)};
  kernel->output_layouts = {pool->x_memory};
  return kernel;
}

}  // namespace strop
