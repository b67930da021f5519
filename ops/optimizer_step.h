#pragma once

// What the update ops of all optimizers share. Each is one step of an optimizer on one parameter:
// p parameter, g gradient, η learning rate, t step (counts from 1), s gradient scale (1 when
// absent), λ weight_decay; g is first scaled, clamped to ±clip_value and, unless the decay is
// decoupled, increased by λ·p, as torch.optim does it. Where s is NaN the step is left out:
// parameter and moments stay.
//
// Inputs  (p, g, η, t, s, moments…), outputs (p, moments…) in place. η and s are rank-0, float or
// double; moments have the parameter's shape and the type that its arithmetic runs in.

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <memory>

#include "graph/status_macros.h"
#include "graph/visit_type.h"
#include "ops/block_sum.h"
#include "ops/elementwise.h"

namespace strop {

namespace update_input {
inline constexpr size_t kGradient = 1;
inline constexpr size_t kLearningRate = 2;
inline constexpr size_t kStep = 3;
inline constexpr size_t kGradientScale = 4;
inline constexpr size_t kFirstMoment = 5;
}  // namespace update_input

inline constexpr size_t kMaximumMoments = 3;

// The type that the arithmetic on a parameter runs in, and its moments have.
DataType MomentType(DataType parameter);

// What all optimizers do with the gradient before they use it.
struct GradientAttributes {
  double weight_decay;
  double clip_value;  // 0: no clipping
  explicit GradientAttributes(const Node& node);
};

// The buffers and numbers of one step. A moment that is not kept is null.
template <typename T>
struct OptimizerStep {
  using C = ComputeType<T>;

  const T* parameter;
  const T* gradient;
  T* new_parameter;
  std::array<const C*, kMaximumMoments> moments;
  std::array<C*, kMaximumMoments> new_moments;
  double learning_rate;
  double step;
  C scale;
  C clip_value;
  C decay;  // added to the gradient as decay·p

  bool is_left_out() const { return std::isnan(scale); }
  // Takes over `count` elements as they are, where the new ones are not the old ones' own bytes.
  void LeaveOut(int64_t count) const {
    if (new_parameter != parameter) std::copy_n(parameter, count, new_parameter);
    for (size_t i = 0; i < kMaximumMoments; ++i) {
      if (moments[i] == nullptr || new_moments[i] == moments[i]) continue;
      std::copy_n(moments[i], count, new_moments[i]);
    }
  }

  C ClippedGradient(int64_t i) const {
    const C scaled = static_cast<C>(gradient[i]) * scale;
    return scaled < -clip_value ? -clip_value : (scaled > clip_value ? clip_value : scaled);
  }
  // The gradient of element i as the optimizer sees it.
  C Gradient(int64_t i) const { return ClippedGradient(i) + decay * static_cast<C>(parameter[i]); }
};

// The state of a parameter lies as the parameter does, padding included: `keeps_zeros` says that
// the rule maps zeros to zeros. In a half type parameter and moments differ in type, and so in
// layout. Sets the kernel's layouts; returns how many elements it walks.
int64_t AdoptParameterLayout(const KernelRequest& request, bool keeps_zeros, Kernel& kernel);

// Reads a step's buffers and numbers from a kernel's arguments.
class OptimizerStepReader {
 public:
  OptimizerStepReader(const KernelRequest& request, bool is_decoupled);

  template <typename T>
  OptimizerStep<T> Read(const KernelArguments& arguments) const {
    using C = ComputeType<T>;
    OptimizerStep<T> step;
    step.parameter = arguments.input<T>(0);
    step.gradient = arguments.input<T>(update_input::kGradient);
    step.new_parameter = arguments.output<T>(0);
    for (size_t i = 0; i < kMaximumMoments; ++i) {
      step.moments[i] = arguments.input<C>(update_input::kFirstMoment + i);
      step.new_moments[i] = arguments.output<C>(1 + i);
    }
    step.learning_rate = Scalar(arguments, update_input::kLearningRate, is_rate_double_);
    step.step = static_cast<double>(*arguments.input<int64_t>(update_input::kStep));
    step.scale =
        has_scale_
            ? static_cast<C>(Scalar(arguments, update_input::kGradientScale, is_scale_double_))
            : C{1};
    step.clip_value = attributes_.clip_value > 0 ? static_cast<C>(attributes_.clip_value)
                                                 : std::numeric_limits<C>::infinity();
    step.decay = is_decoupled_ ? C{0} : static_cast<C>(attributes_.weight_decay);
    return step;
  }

 private:
  static double Scalar(const KernelArguments& arguments, size_t index, bool is_double);

  GradientAttributes attributes_;
  bool is_decoupled_;
  bool is_rate_double_;
  bool has_scale_;
  bool is_scale_double_;
};

// A rule by which every element is updated alone: update.Apply(step, begin, end) over the
// parameter's elements. Update reads the attributes.
template <typename Update>
absl::StatusOr<std::unique_ptr<Kernel>> ElementUpdateKernel(const KernelRequest& request) {
  auto kernel = std::make_unique<Kernel>();
  const Update update(request.node);
  const int64_t count = AdoptParameterLayout(request, update.KeepsZeros(), *kernel);
  const OptimizerStepReader reader(request, update.IsDecoupled());
  kernel->implementation = "vector";
  STROP_RETURN_IF_ERROR(
      VisitFloating(request.inputs[0].type, request.node.op_type, [&]<typename T>() {
        kernel->run = [=](const KernelArguments& arguments) {
          const OptimizerStep<T> step = reader.Read<T>(arguments);
          if (step.is_left_out()) {
            step.LeaveOut(count);
            return absl::OkStatus();
          }
          ParallelFor(count, kElementwiseGrain,
                      [&](int64_t begin, int64_t end) { update.Apply(step, begin, end); });
          return absl::OkStatus();
        };
        return absl::OkStatus();
      }));
  return kernel;
}

// Σ p² and Σ u² of a parameter p and what it is compared with, u.
struct SquareSums {
  double parameter = 0;
  double direction = 0;
};

// A rule that needs the norms of the whole parameter first: update.Sums(step, begin, end) over
// blocks, which may write the moments, then update.Apply(step, sums, begin, end). Padding is zero
// and adds nothing.
template <typename Update>
absl::StatusOr<std::unique_ptr<Kernel>> LayerUpdateKernel(const KernelRequest& request) {
  auto kernel = std::make_unique<Kernel>();
  const Update update(request.node);
  const int64_t count = AdoptParameterLayout(request, update.KeepsZeros(), *kernel);
  const OptimizerStepReader reader(request, update.IsDecoupled());
  kernel->implementation = "vector";
  kernel->workspace_bytes = sizeof(SquareSums) * static_cast<size_t>(SumBlockCount(count));
  STROP_RETURN_IF_ERROR(
      VisitFloating(request.inputs[0].type, request.node.op_type, [&]<typename T>() {
        kernel->run = [=](const KernelArguments& arguments) {
          const OptimizerStep<T> step = reader.Read<T>(arguments);
          if (step.is_left_out()) {
            step.LeaveOut(count);
            return absl::OkStatus();
          }
          auto* blocks = static_cast<SquareSums*>(arguments.workspace);
          ParallelForSumBlocks(count, [&](int64_t block, int64_t begin, int64_t end) {
            blocks[block] = update.Sums(step, begin, end);
          });
          SquareSums sums;
          for (int64_t block = 0; block < SumBlockCount(count); ++block) {
            sums.parameter += blocks[block].parameter;
            sums.direction += blocks[block].direction;
          }
          ParallelFor(count, kElementwiseGrain,
                      [&](int64_t begin, int64_t end) { update.Apply(step, sums, begin, end); });
          return absl::OkStatus();
        };
        return absl::OkStatus();
      }));
  return kernel;
}

}  // namespace strop
