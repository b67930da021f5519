// Larger and smaller elements.
//
//   Max-13, Min-13  y = max_k x_k            dx_k = x_k = y ? dy/ties : 0, ties = how many x_k = y
//   Clip-13         y = min(max(x, lo), hi)  dx  = lo ≤ x ≤ hi ? dy : 0
//                                            dlo = x < lo ≤ hi ? dy : 0, dhi = x > hi or lo > hi ?
//                                            dy : 0
//
// Ties share the gradient evenly and Clip's bounds let it pass, as in PyTorch. NaN wins every
// comparison. lo and hi are single numbers; without one, the side is open.

#include <cmath>
#include <limits>

#include "ops/core/family.h"
#include "ops/kernels/elementwise.h"
#include "ops/kernels/vector_kernel.h"

namespace strop {
namespace {

// ---- Attributes

// Of the gradient operators: the forward input whose gradient is meant.
struct GradientOfAttributes {
  size_t input;
  explicit GradientOfAttributes(const Node& node)
      : input(static_cast<size_t>(node.attributes.Int("input", 0))) {}
};

// ---- Shape rule

absl::Status ClipShape(ShapeContext& context) {
  for (const size_t bound : {1, 2}) {
    if (context.has_input(bound) && ElementCount(context.input(bound)) != 1) {
      return context.Mismatch("a bound of shape " + ShapeName(context.input(bound)),
                              "a single number");
    }
  }
  return SameShapeAsInput0(context);
}

// ---- Gradient rules

// dX_k = ExtremumGradient(dY, Y, X_0, …, X_n−1) {input = k}
absl::Status ExtremumGradient(GradientContext& context) {
  std::vector<ValueId> inputs = {context.output_gradient(0), context.output(0)};
  for (size_t k = 0; k < context.node().inputs.size(); ++k) inputs.push_back(context.input(k));
  for (int64_t k = 0; k < static_cast<int64_t>(context.node().inputs.size()); ++k) {
    const auto input = static_cast<size_t>(k);
    if (!context.needs_gradient(input)) continue;
    context.SetInputGradient(input, context.EmitStrop("ExtremumGradient", inputs, {{"input", k}}));
  }
  return absl::OkStatus();
}

// d = ClipGradient(dY, X, lo, hi) {input}
absl::Status ClipGradient(GradientContext& context) {
  const std::vector<ValueId> inputs = {context.output_gradient(0), context.input(0),
                                       context.input(1), context.input(2)};
  for (const int64_t k : {0, 1, 2}) {
    const auto input = static_cast<size_t>(k);
    if (context.input(input) == kNoValue || !context.needs_gradient(input)) continue;
    context.SetInputGradient(input, context.EmitStrop("ClipGradient", inputs, {{"input", k}}));
  }
  return absl::OkStatus();
}

// ---- Kernels

template <typename T>
bool IsNaN(T x) {
  return x != x;
}

struct MaxFunction {
  template <typename T>
  T operator()(T a, T b) const {
    return b > a || IsNaN(b) ? b : a;
  }
};

struct MinFunction {
  template <typename T>
  T operator()(T a, T b) const {
    return b < a || IsNaN(b) ? b : a;
  }
};

// y = function(x_0, function(x_1, …)), row by row.
template <typename Function>
absl::StatusOr<std::unique_ptr<Kernel>> ExtremumGeneric(const KernelRequest& request) {
  if (request.inputs.size() == 2) return NumericBinaryKernel(request, Function());
  std::unique_ptr<Kernel> kernel;
  const absl::Status status =
      VisitNumeric(request.inputs[0].type, request.node.op_type, [&]<typename T>() {
        if constexpr (std::is_same_v<T, bool>) {
          return NeedsNumbers(request.node);
        } else {
          kernel = MakeKernel([walk = WalkOf(request)](const KernelArguments& arguments) {
            T* y = arguments.output<T>(0);
            walk.ParallelForEachRow(kElementwiseGrain, [&](const BroadcastWalk::Row& row) {
              for (int64_t i = 0; i < row.count; ++i) {
                auto best = static_cast<ComputeType<T>>(
                    arguments.input<T>(0)[row.offsets[0] + i * walk.inner_step(0)]);
                for (size_t k = 1; k < arguments.inputs.size(); ++k) {
                  best = Function()(best, static_cast<ComputeType<T>>(arguments.input<T>(
                                              k)[row.offsets[k] + i * walk.inner_step(k)]));
                }
                y[row.begin + i] = static_cast<T>(best);
              }
            });
            return absl::OkStatus();
          });
          return absl::OkStatus();
        }
      });
  if (!status.ok()) return status;
  AdoptElementwiseLayout(request, *kernel);
  return kernel;
}

absl::StatusOr<std::unique_ptr<Kernel>> ExtremumGradientGeneric(const KernelRequest& request) {
  const size_t chosen = GradientOfAttributes(request.node).input + 2;
  std::unique_ptr<Kernel> kernel;
  const absl::Status status =
      VisitFloating(request.inputs[0].type, request.node.op_type, [&]<typename T>() {
        kernel = MakeKernel([walk = WalkOf(request), chosen](const KernelArguments& arguments) {
          using C = ComputeType<T>;
          walk.ParallelForEachRow(kElementwiseGrain, [&](const BroadcastWalk::Row& row) {
            const auto element = [&](size_t k, int64_t i) {
              return static_cast<C>(arguments.input<T>(k)[row.offsets[k] + i * walk.inner_step(k)]);
            };
            T* dx = arguments.output<T>(0) + row.begin;
            for (int64_t i = 0; i < row.count; ++i) {
              const C y = element(1, i);
              const auto wins = [&](C x) { return x == y || (IsNaN(x) && IsNaN(y)); };
              int ties = 0;
              for (size_t k = 2; k < arguments.inputs.size(); ++k) ties += wins(element(k, i));
              const bool flows = wins(element(chosen, i));
              dx[i] = flows ? static_cast<T>(element(0, i) / static_cast<C>(ties)) : T(0.0f);
            }
          });
          return absl::OkStatus();
        });
        return absl::OkStatus();
      });
  if (!status.ok()) return status;
  AdoptElementwiseLayout(request, *kernel);
  return kernel;
}

// The bounds that a kernel reads from its inputs `first` and `first` + 1, where present.
template <typename T>
struct Bounds {
  using C = ComputeType<T>;
  C low;
  C high;
  Bounds(const KernelArguments& arguments, size_t first) {
    using Limits = std::numeric_limits<C>;
    const T* lower = arguments.input<T>(first);
    const T* upper = arguments.input<T>(first + 1);
    constexpr C lowest = Limits::has_infinity ? -Limits::infinity() : Limits::lowest();
    constexpr C highest = Limits::has_infinity ? Limits::infinity() : Limits::max();
    low = lower == nullptr ? lowest : static_cast<C>(*lower);
    high = upper == nullptr ? highest : static_cast<C>(*upper);
  }
};

absl::StatusOr<std::unique_ptr<Kernel>> ClipGeneric(const KernelRequest& request) {
  std::unique_ptr<Kernel> kernel;
  const int64_t count = request.outputs[0].element_count();
  const absl::Status status =
      VisitNumeric(request.inputs[0].type, request.node.op_type, [&]<typename T>() {
        if constexpr (std::is_same_v<T, bool>) {
          return NeedsNumbers(request.node);
        } else {
          kernel = MakeKernel([count](const KernelArguments& arguments) {
            const Bounds<T> bounds(arguments, 1);
            const T* x = arguments.input<T>(0);
            T* y = arguments.output<T>(0);
            ParallelFor(count, kElementwiseGrain, [&](int64_t begin, int64_t end) {
              for (int64_t i = begin; i < end; ++i) {
                const auto element = static_cast<ComputeType<T>>(x[i]);
                const auto raised = element < bounds.low ? bounds.low : element;
                y[i] = static_cast<T>(raised > bounds.high ? bounds.high : raised);
              }
            });
            return absl::OkStatus();
          });
          return absl::OkStatus();
        }
      });
  if (!status.ok()) return status;
  AdoptElementwiseLayout(request, *kernel);
  return kernel;
}

absl::StatusOr<std::unique_ptr<Kernel>> ClipVector(const KernelRequest& request) {
  if (request.inputs[0].type != DataType::kFloat) return nullptr;
  const int64_t count = request.outputs[0].element_count();
  std::unique_ptr<Kernel> kernel = MakeKernel([count](const KernelArguments& arguments) {
    const Bounds<float> bounds(arguments, 1);
    const float parameters[] = {bounds.low, bounds.high};
    const float* x = arguments.input<float>(0);
    float* y = arguments.output<float>(0);
    ParallelFor(count, kElementwiseGrain, [&](int64_t begin, int64_t end) {
      simd::Functions().clip(x + begin, y + begin, end - begin, parameters);
    });
    return absl::OkStatus();
  });
  kernel->implementation = VectorImplementation();
  AdoptElementwiseLayout(request, *kernel);
  return kernel;
}

// Whether dY flows to input 0 (X), 1 (lo) or 2 (hi) at an element.
template <typename C>
bool ClipFlowsTo(size_t input, C x, C low, C high) {
  if (input == 0) return x >= low && x <= high;
  if (input == 1) return x < low && low <= high;
  return x > high || low > high;
}

absl::StatusOr<std::unique_ptr<Kernel>> ClipGradientGeneric(const KernelRequest& request) {
  std::unique_ptr<Kernel> kernel;
  const int64_t count = request.outputs[0].element_count();
  const size_t chosen = GradientOfAttributes(request.node).input;
  const absl::Status status =
      VisitFloating(request.inputs[0].type, request.node.op_type, [&]<typename T>() {
        kernel = MakeKernel([count, chosen](const KernelArguments& arguments) {
          const Bounds<T> bounds(arguments, 2);
          const T* dy = arguments.input<T>(0);
          const T* x = arguments.input<T>(1);
          T* dx = arguments.output<T>(0);
          ParallelFor(count, kElementwiseGrain, [&](int64_t begin, int64_t end) {
            for (int64_t i = begin; i < end; ++i) {
              const auto element = static_cast<ComputeType<T>>(x[i]);
              dx[i] = ClipFlowsTo(chosen, element, bounds.low, bounds.high) ? dy[i] : T(0.0f);
            }
          });
          return absl::OkStatus();
        });
        return absl::OkStatus();
      });
  if (!status.ok()) return status;
  AdoptElementwiseLayout(request, *kernel);
  return kernel;
}

// The gradient to X alone; those to the bounds are rare.
absl::StatusOr<std::unique_ptr<Kernel>> ClipGradientVector(const KernelRequest& request) {
  if (request.inputs[0].type != DataType::kFloat) return nullptr;
  if (GradientOfAttributes(request.node).input != 0) return nullptr;
  const int64_t count = request.outputs[0].element_count();
  std::unique_ptr<Kernel> kernel = MakeKernel([count](const KernelArguments& arguments) {
    const Bounds<float> bounds(arguments, 2);
    const float parameters[] = {bounds.low, bounds.high};
    const float* dy = arguments.input<float>(0);
    const float* x = arguments.input<float>(1);
    float* dx = arguments.output<float>(0);
    ParallelFor(count, kElementwiseGrain, [&](int64_t begin, int64_t end) {
      simd::Functions().clip_gradient(dy + begin, x + begin, dx + begin, end - begin, parameters);
    });
    return absl::OkStatus();
  });
  kernel->implementation = VectorImplementation();
  AdoptElementwiseLayout(request, *kernel);
  return kernel;
}

// ---- Definitions

OpDefinition Extremum(std::string_view name, KernelFactory generic) {
  return {.name = name,
          .since_version = 13,
          .maximum_inputs = kVariadic,
          .element_types = MatchingNumbers,
          .shapes = BroadcastShape,
          .differentiability = {Differentiability::kDifferentiable},
          .gradient = ExtremumGradient,
          .kernels = {generic},
          .broadcasts = true,
          .in_place = {{0, 0}, {1, 0}}};
}

OpDefinition ExtremumGradientDefinition() {
  return {.name = "ExtremumGradient",
          .domain = kStropDomain,
          .minimum_inputs = 3,
          .maximum_inputs = kVariadic,
          .element_types = MatchingElementTypes,
          .shapes = BroadcastShape,
          .differentiability = {Differentiability::kNotImplemented},
          .kernels = {ExtremumGradientGeneric},
          .in_place = {{0, 0}}};
}

OpDefinition Clip() {
  return {.name = "Clip",
          .since_version = 13,
          .maximum_inputs = 3,
          .element_types = MatchingNumbers,
          .shapes = ClipShape,
          .differentiability = {Differentiability::kDifferentiable},
          .gradient = ClipGradient,
          .kernels = {ClipVector, ClipGeneric},
          .broadcasts = true,
          .in_place = {{0, 0}},
          .is_clamp = true,
          .watch = OutputWatch{.can_die = true}};  // ReLU6
}

OpDefinition ClipGradientDefinition() {
  OpDefinition definition =
      UnaryGradientDefinition("ClipGradient", {ClipGradientVector, ClipGradientGeneric});
  definition.maximum_inputs = 4;
  return definition;
}

}  // namespace

const RegisteredFamily kExtremum = {"extremum",
                                    {
                                        Extremum("Max", ExtremumGeneric<MaxFunction>),
                                        Extremum("Min", ExtremumGeneric<MinFunction>),
                                        ExtremumGradientDefinition(),
                                        Clip(),
                                        ClipGradientDefinition(),
                                    }};

}  // namespace strop
