#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "graph/visit_type.h"
#include "ops/batch_normalization/batch_normalization.h"
#include "ops/kernels/channel_loops.h"
#include "ops/kernels/element_access.h"
#include "ops/kernels/workspace.h"

namespace strop {
namespace {

using Operands = BatchNormalizationGradientOperands;

// An operand with one number per channel, of any floating type.
struct ChannelInput {
  DataType type;
  const void* elements;  // null when absent: all zeros

  ChannelInput(const std::vector<DataType>& types, const KernelArguments& arguments, size_t index)
      : type(index < types.size() ? types[index] : DataType::kUndefined),
        elements(arguments.input<void>(index)) {}
  double operator[](int64_t channel) const {
    return elements == nullptr ? 0 : ReadElement(type, elements, channel);
  }
};

struct ChannelOutput {
  DataType type;
  void* elements;  // null when not wanted

  ChannelOutput(const std::vector<DataType>& types, const KernelArguments& arguments, size_t index)
      : type(index < types.size() ? types[index] : DataType::kUndefined),
        elements(arguments.output<void>(index)) {}
  void Set(int64_t channel, double value) const {
    if (elements != nullptr) WriteElement(type, elements, channel, value);
  }
};

// What the kernels know when they are made.
struct Setup {
  BatchNormalizationAttributes attributes;
  ChannelLayout layout;
  Layout memory;
  std::vector<DataType> input_types;
  std::vector<DataType> output_types;

  Setup(const KernelRequest& request, size_t x) : attributes(request.node) {
    Shape shape = request.inputs[x].shape;
    memory = shape.size() > 2 ? PreferredChannelLayout(request, shape) : nullptr;
    if (shape.size() == 1) shape.push_back(1);
    layout = *ChannelLayoutOf(shape, memory);
    for (const TensorDescription& input : request.inputs) input_types.push_back(input.type);
    for (const TensorDescription& output : request.outputs) output_types.push_back(output.type);
  }

  double elements_per_channel() const { return static_cast<double>(layout.batch * layout.spatial); }

  // Workspace: that of the reduction, then arrays with one T for each channel.
  template <typename T>
  size_t WorkspaceBytes(size_t sums, size_t arrays) const {
    return ReductionBytes(sums) + arrays * ArrayBytes<T>();
  }
  // Zeroed: padding lanes keep zeros.
  template <typename T>
  T* Array(void* workspace, size_t sums, size_t index) const {
    auto* const bytes = static_cast<std::byte*>(workspace) + ReductionBytes(sums);
    T* const array = reinterpret_cast<T*>(bytes + index * ArrayBytes<T>());
    std::fill_n(array, layout.padded_channels(), T{0});
    return array;
  }

 private:
  size_t ReductionBytes(size_t sums) const {
    return AlignedBytes(ChannelReductionBytes(layout, static_cast<int64_t>(sums)));
  }
  template <typename T>
  size_t ArrayBytes() const {
    return AlignedBytes(static_cast<size_t>(layout.padded_channels()) * sizeof(T));
  }
};

constexpr size_t kSums = 2;

// Y = slope·X + offset, by channel.
template <typename T>
struct AffineMap {
  const T* x;
  T* y;
  const ComputeType<T>* slope;
  const ComputeType<T>* offset;

  void operator()(int64_t channel, int64_t i) const {
    y[i] = static_cast<T>(static_cast<ComputeType<T>>(x[i]) * slope[channel] + offset[channel]);
  }
};

template <typename T>
void NormalizeWithGiven(const Setup& setup, const KernelArguments& arguments) {
  using Compute = ComputeType<T>;
  Compute* const slope = setup.Array<Compute>(arguments.workspace, kSums, 0);
  Compute* const offset = setup.Array<Compute>(arguments.workspace, kSums, 1);
  const ChannelInput scale(setup.input_types, arguments, 1);
  const ChannelInput bias(setup.input_types, arguments, 2);
  const ChannelInput mean(setup.input_types, arguments, 3);
  const ChannelInput variance(setup.input_types, arguments, 4);
  for (int64_t c = 0; c < setup.layout.channels; ++c) {
    const double a = scale[c] / std::sqrt(variance[c] + setup.attributes.epsilon);
    slope[c] = static_cast<Compute>(a);
    offset[c] = static_cast<Compute>(bias[c] - mean[c] * a);
  }
  MapChannels(setup.layout,
              AffineMap<T>{arguments.input<T>(0), arguments.output<T>(0), slope, offset});
}

template <typename T>
void NormalizeWithOwn(const Setup& setup, const KernelArguments& arguments) {
  using Compute = ComputeType<T>;
  const ChannelLayout& layout = setup.layout;
  Compute* const slope = setup.Array<Compute>(arguments.workspace, kSums, 0);
  Compute* const offset = setup.Array<Compute>(arguments.workspace, kSums, 1);
  Compute* const shift = setup.Array<Compute>(arguments.workspace, kSums, 2);
  const ChannelInput scale(setup.input_types, arguments, 1);
  const ChannelInput bias(setup.input_types, arguments, 2);
  const ChannelInput old_mean(setup.input_types, arguments, 3);
  const ChannelInput old_variance(setup.input_types, arguments, 4);
  const ChannelOutput running_mean(setup.output_types, arguments, 1);
  const ChannelOutput running_variance(setup.output_types, arguments, 2);
  const ChannelOutput saved_mean(setup.output_types, arguments, 3);
  const ChannelOutput saved_variance(setup.output_types, arguments, 4);
  const T* const x = arguments.input<T>(0);
  const double count = setup.elements_per_channel();
  const double momentum = setup.attributes.momentum;
  // Sums of X − shift do not cancel when the mean is far from 0.
  for (int64_t c = 0; c < layout.channels && count > 0; ++c) {
    shift[c] = static_cast<Compute>(x[ElementIndex(layout, c, 0)]);
  }
  const auto term = [x, shift](int64_t channel, int64_t i) {
    const Compute difference = static_cast<Compute>(x[i]) - shift[channel];
    return std::array{difference, difference * difference};
  };
  const auto store = [&](int64_t c, const std::array<double, kSums>& sums) {
    const double shifted_mean = sums[0] / count;
    const double mean = static_cast<double>(shift[c]) + shifted_mean;
    const double variance = std::max(sums[1] / count - shifted_mean * shifted_mean, 0.0);
    const double a = scale[c] / std::sqrt(variance + setup.attributes.epsilon);
    slope[c] = static_cast<Compute>(a);
    offset[c] = static_cast<Compute>(bias[c] - mean * a);
    running_mean.Set(c, momentum * old_mean[c] + (1 - momentum) * mean);
    running_variance.Set(c, momentum * old_variance[c] + (1 - momentum) * variance);
    saved_mean.Set(c, mean);
    saved_variance.Set(c, variance);
  };
  ReduceThenMap<Compute, kSums>(layout, term, store,
                                AffineMap<T>{x, arguments.output<T>(0), slope, offset},
                                arguments.workspace);
}

// The gradient of one step: dX = slope·dY + pull·(X − mean) + offset, coefficients by channel.
template <typename T>
class GradientStep {
 public:
  using Compute = ComputeType<T>;
  static constexpr size_t kArrays = 4;

  GradientStep(const Setup& setup, const KernelArguments& arguments)
      : setup_(setup),
        workspace_(arguments.workspace),
        x_(arguments.input<T>(Operands::kX)),
        dy_(arguments.input<T>(Operands::kDy)),
        dx_(arguments.output<T>(Operands::kDx)),
        scale_(setup.input_types, arguments, Operands::kScale),
        mean_(setup.input_types, arguments, Operands::kMean),
        variance_(setup.input_types, arguments, Operands::kVariance),
        dy_mean_(setup.input_types, arguments, Operands::kDyMean),
        dy_variance_(setup.input_types, arguments, Operands::kDyVariance),
        dscale_(setup.output_types, arguments, Operands::kDScale),
        dbias_(setup.output_types, arguments, Operands::kDBias),
        dmean_(setup.output_types, arguments, Operands::kDMean),
        dvariance_(setup.output_types, arguments, Operands::kDVariance),
        slope_(setup.Array<Compute>(workspace_, kSums, 0)),
        pull_(setup.Array<Compute>(workspace_, kSums, 1)),
        center_(setup.Array<Compute>(workspace_, kSums, 2)),
        offset_(setup.Array<Compute>(workspace_, kSums, 3)) {
    for (int64_t c = 0; c < setup.layout.channels; ++c) {
      center_[c] = static_cast<Compute>(mean_[c]);
    }
  }

  void Run() const {
    const auto store = [this](int64_t c, const std::array<double, kSums>& sums) {
      Store(c, sums[0], sums[1]);
    };
    if (dy_ == nullptr) {
      for (int64_t c = 0; c < setup_.layout.channels; ++c) Store(c, 0, 0);
      if (dx_ != nullptr) {
        MapChannels(setup_.layout, [x = x_, dx = dx_, pull = pull_, center = center_,
                                    offset = offset_](int64_t c, int64_t i) {
          dx[i] = static_cast<T>(pull[c] * (static_cast<Compute>(x[i]) - center[c]) + offset[c]);
        });
      }
      return;
    }
    const auto term = [x = x_, dy = dy_, center = center_](int64_t c, int64_t i) {
      const Compute cotangent = static_cast<Compute>(dy[i]);
      return std::array{cotangent, cotangent * (static_cast<Compute>(x[i]) - center[c])};
    };
    if (dx_ == nullptr) {
      ReduceChannels<Compute, kSums>(setup_.layout, term, store, workspace_);
      return;
    }
    const auto apply = [x = x_, dy = dy_, dx = dx_, slope = slope_, pull = pull_, center = center_,
                        offset = offset_](int64_t c, int64_t i) {
      dx[i] = static_cast<T>(slope[c] * static_cast<Compute>(dy[i]) +
                             pull[c] * (static_cast<Compute>(x[i]) - center[c]) + offset[c]);
    };
    ReduceThenMap<Compute, kSums>(setup_.layout, term, store, apply, workspace_);
  }

 private:
  // From Σ dY and Σ dY·(X − mean) of a channel.
  void Store(int64_t c, double sum, double moment) const {
    const double inverse_deviation = 1 / std::sqrt(variance_[c] + setup_.attributes.epsilon);
    const double slope = scale_[c] * inverse_deviation;
    const double dscale = moment * inverse_deviation;
    slope_[c] = static_cast<Compute>(slope);
    dscale_.Set(c, dscale);
    dbias_.Set(c, sum);
    if (!setup_.attributes.training) {
      dmean_.Set(c, -slope * sum);
      dvariance_.Set(c, -slope * inverse_deviation * dscale / 2);
      return;
    }
    const double momentum = setup_.attributes.momentum;
    const double share = 1 / setup_.elements_per_channel();
    const double batch_share = (1 - momentum) * share;
    pull_[c] = static_cast<Compute>(-slope * inverse_deviation * dscale * share +
                                    2 * batch_share * dy_variance_[c]);
    offset_[c] = static_cast<Compute>(-slope * sum * share + batch_share * dy_mean_[c]);
    dmean_.Set(c, momentum * dy_mean_[c]);
    dvariance_.Set(c, momentum * dy_variance_[c]);
  }

  const Setup& setup_;
  void* workspace_;
  const T* x_;
  const T* dy_;
  T* dx_;
  ChannelInput scale_;
  ChannelInput mean_;
  ChannelInput variance_;
  ChannelInput dy_mean_;
  ChannelInput dy_variance_;
  ChannelOutput dscale_;
  ChannelOutput dbias_;
  ChannelOutput dmean_;
  ChannelOutput dvariance_;
  Compute* slope_;
  Compute* pull_;
  Compute* center_;
  Compute* offset_;
};

template <typename T>
void ScaleCotangent(const Setup& setup, const KernelArguments& arguments) {
  using Compute = ComputeType<T>;
  Compute* const slope = setup.Array<Compute>(arguments.workspace, kSums, 0);
  const ChannelInput scale(setup.input_types, arguments, 1);
  const ChannelInput variance(setup.input_types, arguments, 2);
  for (int64_t c = 0; c < setup.layout.channels; ++c) {
    slope[c] = static_cast<Compute>(scale[c] / std::sqrt(variance[c] + setup.attributes.epsilon));
  }
  MapChannels(setup.layout, [slope, dy = arguments.input<T>(0), dx = arguments.output<T>(0)](
                                int64_t c, int64_t i) {
    dx[i] = static_cast<T>(slope[c] * static_cast<Compute>(dy[i]));
  });
}

// A kernel that calls run<T>(setup, arguments) for X at position `x`; `layouts` are the positions
// of the inputs that have X's shape.
template <typename Run>
absl::StatusOr<std::unique_ptr<Kernel>> MakeChannelKernel(const KernelRequest& request, size_t x,
                                                          size_t arrays,
                                                          std::initializer_list<size_t> layouts,
                                                          const Run& run) {
  auto setup = std::make_shared<Setup>(request, x);
  std::unique_ptr<Kernel> kernel;
  const absl::Status status =
      VisitFloating(request.inputs[x].type, request.node.op_type, [&]<typename T>() {
        kernel = MakeKernel(
            [setup, run](const KernelArguments& arguments) {
              run.template operator()<T>(*setup, arguments);
              return absl::OkStatus();
            },
            setup->template WorkspaceBytes<ComputeType<T>>(kSums, arrays));
        return absl::OkStatus();
      });
  if (!status.ok()) return status;
  kernel->input_layouts.resize(request.inputs.size());
  for (const size_t index : layouts) {
    if (request.has_input(index)) kernel->input_layouts[index] = setup->memory;
  }
  kernel->output_layouts = {setup->memory};
  return kernel;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Kernel>> BatchNormalizationKernel(const KernelRequest& request) {
  return MakeChannelKernel(request, 0, 3, {0},
                           []<typename T>(const Setup& setup, const KernelArguments& arguments) {
                             if (setup.attributes.training) {
                               NormalizeWithOwn<T>(setup, arguments);
                             } else {
                               NormalizeWithGiven<T>(setup, arguments);
                             }
                           });
}

absl::StatusOr<std::unique_ptr<Kernel>> BatchNormalizationGradientKernel(
    const KernelRequest& request) {
  return MakeChannelKernel(request, Operands::kX, GradientStep<float>::kArrays,
                           {Operands::kX, Operands::kDy},
                           []<typename T>(const Setup& setup, const KernelArguments& arguments) {
                             GradientStep<T>(setup, arguments).Run();
                           });
}

absl::StatusOr<std::unique_ptr<Kernel>> BatchNormalizationInputGradientKernel(
    const KernelRequest& request) {
  return MakeChannelKernel(request, 0, 1, {0},
                           []<typename T>(const Setup& setup, const KernelArguments& arguments) {
                             ScaleCotangent<T>(setup, arguments);
                           });
}

}  // namespace strop
