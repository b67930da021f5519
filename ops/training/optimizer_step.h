#pragma once

// What the update ops of all optimizers share. Each is one step of an optimizer on one parameter:
// p parameter, g gradient, η learning rate, t step (counts from 1), s gradient scale (1 when
// absent), λ weight_decay; g is first scaled, clamped to ±clip_value and, unless the decay is
// decoupled, increased by λ·p, as torch.optim does it. Where s is NaN the step is left out:
// parameter and moments stay. So does every block of kSumBlock elements whose gradient is not
// finite (a clamped one: is NaN): g is looked at just before it is used, when that costs nothing.
//
// Inputs  (p, g, η, t, s, moments…), outputs (p, health, moments…), all but health in place. η and
// s are one floating number each; moments have the parameter's shape and the type that its
// arithmetic runs in. health is a rank-0 double: 1, or NaN where anything was left out.

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <limits>
#include <memory>

#include "graph/status_macros.h"
#include "graph/visit_type.h"
#include "ops/kernels/block_sum.h"
#include "ops/kernels/element_access.h"
#include "ops/kernels/elementwise.h"
#include "ops/kernels/within.h"

namespace strop {

namespace update_input {
inline constexpr size_t kGradient = 1;
inline constexpr size_t kLearningRate = 2;
inline constexpr size_t kStep = 3;
inline constexpr size_t kGradientScale = 4;
inline constexpr size_t kFirstMoment = 5;
}  // namespace update_input

namespace update_output {
inline constexpr size_t kHealth = 1;
inline constexpr size_t kFirstMoment = 2;
}  // namespace update_output

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
  // Takes over elements as they are, where the new ones are not the old ones' own bytes.
  void LeaveOut(int64_t begin, int64_t end) const {
    if (new_parameter != parameter)
      std::copy(parameter + begin, parameter + end, new_parameter + begin);
    for (size_t i = 0; i < kMaximumMoments; ++i) {
      if (moments[i] == nullptr || new_moments[i] == moments[i]) continue;
      std::copy(moments[i] + begin, moments[i] + end, new_moments[i] + begin);
    }
  }
  // Whether the gradient's elements are numbers that the rule can use.
  bool IsUsable(int64_t begin, int64_t end) const {
    constexpr C kInfinity = std::numeric_limits<C>::infinity();
    const C largest = clip_value < kInfinity ? kInfinity : std::numeric_limits<C>::max();
    return AreWithin(gradient + begin, end - begin, largest);
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
      step.new_moments[i] = arguments.output<C>(update_output::kFirstMoment + i);
    }
    step.learning_rate = ReadElement(rate_type_, arguments.inputs[update_input::kLearningRate], 0);
    step.step = static_cast<double>(*arguments.input<int64_t>(update_input::kStep));
    step.scale = C{1};
    if (scale_type_ != DataType::kUndefined) {
      const void* scale = arguments.inputs[update_input::kGradientScale];
      step.scale = static_cast<C>(ReadElement(scale_type_, scale, 0));
    }
    step.clip_value = attributes_.clip_value > 0 ? static_cast<C>(attributes_.clip_value)
                                                 : std::numeric_limits<C>::infinity();
    step.decay = is_decoupled_ ? C{0} : static_cast<C>(attributes_.weight_decay);
    return step;
  }

 private:
  GradientAttributes attributes_;
  bool is_decoupled_;
  DataType rate_type_;
  DataType scale_type_;  // kUndefined where there is none
};

// Writes `health`; null where nobody asks.
inline void SetHealth(const KernelArguments& arguments, bool is_whole) {
  double* health = arguments.output<double>(update_output::kHealth);
  if (health != nullptr) *health = is_whole ? 1 : std::numeric_limits<double>::quiet_NaN();
}

// update.Apply, in a function of its own: inlined into the loop over blocks it is not vectorized.
template <typename Update, typename T>
[[gnu::noinline]] void ApplyUpdate(const Update& update, const OptimizerStep<T>& step,
                                   int64_t begin, int64_t end) {
  update.Apply(step, begin, end);
}

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
            step.LeaveOut(0, count);
            SetHealth(arguments, false);
            return absl::OkStatus();
          }
          std::atomic<bool> is_whole = true;
          ParallelFor(count, kElementwiseGrain, [&](int64_t first, int64_t last) {
            for (int64_t begin = first; begin < last; begin += kSumBlock) {
              const int64_t end = std::min(last, begin + kSumBlock);
              if (step.IsUsable(begin, end)) {
                ApplyUpdate(update, step, begin, end);
              } else {
                step.LeaveOut(begin, end);
                is_whole = false;
              }
            }
          });
          SetHealth(arguments, is_whole);
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
            step.LeaveOut(0, count);
            SetHealth(arguments, false);
            return absl::OkStatus();
          }
          std::atomic<bool> is_whole = true;
          auto* blocks = static_cast<SquareSums*>(arguments.workspace);
          ParallelForSumBlocks(count, [&](int64_t block, int64_t begin, int64_t end) {
            if (step.IsUsable(begin, end)) {
              blocks[block] = update.Sums(step, begin, end);
            } else {
              is_whole = false;
            }
          });
          SetHealth(arguments, is_whole);
          if (!is_whole) {  // without its norms no element can move
            step.LeaveOut(0, count);
            return absl::OkStatus();
          }
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
