// Reductions over `axes` (optional input; all axes when absent or empty, none of them with
// noop_with_empty_axes), keeping reduced axes as ones with keepdims. n elements a group.
//
//   ReduceSum-13        y = Σ x                 dx = BroadcastLike(dy, x, axes)
//   ReduceMean-18       y = Σ x / n             dx = BroadcastLike(dy, x, axes) {mean}
//   ReduceMax-20        y = max x               dx = x == y ? dy / ties : 0
//   ReduceMin-20        y = min x               dx = x == y ? dy / ties : 0
//   ReduceProd-18       y = Π x                 dx_i = dy · Π_{j≠i} x_j
//   ReduceL1-18         y = Σ |x|               dx = dy · sign(x)
//   ReduceL2-18         y = √Σ x²               dx = dy · x / y, 0 where y = 0
//   ReduceSumSquare-18  y = Σ x²                dx = 2 dy · x
//   ReduceLogSum-28     y = log Σ x             dx = dy · exp(−y)
//   ReduceLogSumExp-28  y = log Σ exp(x)        dx = dy · exp(x − y)
//
// Ties share the gradient evenly, as torch.amax has it. Gradient operators: reduce_gradient.cc.

#include "ops/core/axes.h"
#include "ops/core/family.h"
#include "ops/kernels/reducers.h"
#include "ops/reduce/reduce_attributes.h"

namespace strop {

// ---- Attributes

absl::StatusOr<std::vector<bool>> ReducedAxes(const Node& node, const std::vector<int64_t>& axes,
                                              int64_t rank) {
  STROP_ASSIGN_OR_RETURN(const std::vector<int64_t> sorted, AxesOf(node, axes, rank));
  const bool all = sorted.empty() && !ReduceAttributes(node).no_axes_is_no_reduction;
  std::vector<bool> is_reduced(static_cast<size_t>(rank), all);
  for (const int64_t axis : sorted) is_reduced[static_cast<size_t>(axis)] = true;
  return is_reduced;
}

namespace {

// ---- Type rule

absl::Status ReduceShape(ShapeContext& context) {
  const Shape& input = context.input(0);
  STROP_ASSIGN_OR_RETURN(const std::vector<int64_t> axes, context.ConstantIntegers(1));
  STROP_ASSIGN_OR_RETURN(const std::vector<bool> is_reduced,
                         ReducedAxes(context.node(), axes, context.rank(0)));
  const bool keep_dimensions = ReduceAttributes(context.node()).keep_dimensions;
  Shape shape;
  for (size_t axis = 0; axis < input.size(); ++axis) {
    if (!is_reduced[axis]) {
      shape.push_back(input[axis]);
    } else if (keep_dimensions) {
      shape.push_back(1);
    }
  }
  context.set_output(0, std::move(shape));
  return absl::OkStatus();
}

// ---- Gradient rules

absl::Status EmitBroadcast(GradientContext& context, Attributes attributes) {
  std::vector<ValueId> inputs = {context.output_gradient(0), context.input(0)};
  if (context.input(1) != kNoValue) inputs.push_back(context.input(1));
  context.SetInputGradient(
      0, context.EmitStrop("BroadcastLike", std::move(inputs), std::move(attributes)));
  return absl::OkStatus();
}

absl::Status SumGradient(GradientContext& context) {
  return EmitBroadcast(context, context.node().attributes);
}

absl::Status MeanGradient(GradientContext& context) {
  Attributes attributes = context.node().attributes;
  attributes.Set("mean", int64_t{1});
  return EmitBroadcast(context, std::move(attributes));
}

// dX = <Op>Gradient(dY, X, Y, axes), with the node's own attributes.
absl::Status GradientFromResult(GradientContext& context) {
  const Node& node = context.node();
  std::vector<ValueId> inputs = {context.output_gradient(0), context.input(0), context.output(0)};
  if (context.input(1) != kNoValue) inputs.push_back(context.input(1));
  context.SetInputGradient(
      0, context.EmitStrop(node.op_type + "Gradient", std::move(inputs), node.attributes));
  return absl::OkStatus();
}

// ---- Reducers

struct MapAbsolute {
  template <typename Accumulator, typename X>
  static Accumulator Apply(X x) {
    const auto value = static_cast<Accumulator>(x);
    return x < X{0} ? Accumulator{0} - value : value;
  }
};

struct MapSquare {
  template <typename Accumulator, typename X>
  static Accumulator Apply(X x) {
    const auto value = static_cast<Accumulator>(x);
    return value * value;
  }
};

struct FinishRoot {
  template <typename T, typename A>
  static T Finish(A sum, int64_t) {
    return static_cast<T>(static_cast<ComputeType<T>>(std::sqrt(sum)));
  }
};

struct FinishLogarithm {
  template <typename T, typename A>
  static T Finish(A sum, int64_t) {
    return static_cast<T>(static_cast<ComputeType<T>>(std::log(sum)));
  }
};

template <typename T>
using Mean = SumReducer<T, SumAccumulator<T>, MapIdentity, FinishMean>;
template <typename T>
using L1 = SumReducer<T, SumAccumulator<T>, MapAbsolute, FinishTotal>;
template <typename T>
using L2 = SumReducer<T, double, MapSquare, FinishRoot>;
template <typename T>
using SumSquare = SumReducer<T, SumAccumulator<T>, MapSquare, FinishTotal>;
template <typename T>
using LogSum = SumReducer<T, double, MapIdentity, FinishLogarithm>;

template <typename T>
struct Product {
  using Accumulator = SumAccumulator<T>;
  static Accumulator Identity() { return 1; }
  static void Row(Accumulator& a, const T* x, int64_t count) {
    for (int64_t i = 0; i < count; ++i) a *= MapIdentity::Apply<Accumulator>(ComputeType<T>(x[i]));
  }
  static void Columns(Accumulator* a, const T* x, int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
      a[i] *= MapIdentity::Apply<Accumulator>(ComputeType<T>(x[i]));
    }
  }
  static void Merge(Accumulator& a, Accumulator b) { a *= b; }
  static T Finish(Accumulator a, int64_t count) { return FinishTotal::Finish<T>(a, count); }
};

// The largest element, or the smallest; NaN wins over all. An empty group gives the type's least
// (greatest) value.
template <typename T, bool kLargest>
struct Extremum {
  using Accumulator = ComputeType<T>;
  using Limits = std::numeric_limits<Accumulator>;

  static Accumulator Identity() {
    if constexpr (Limits::has_infinity) return kLargest ? -Limits::infinity() : Limits::infinity();
    return kLargest ? Limits::lowest() : Limits::max();
  }
  static void Row(Accumulator& a, const T* x, int64_t count) {
    for (int64_t i = 0; i < count; ++i) Merge(a, static_cast<Accumulator>(x[i]));
  }
  static void Columns(Accumulator* a, const T* x, int64_t count) {
    for (int64_t i = 0; i < count; ++i) Merge(a[i], static_cast<Accumulator>(x[i]));
  }
  static void Merge(Accumulator& a, Accumulator b) {
    const bool better = kLargest ? b > a : b < a;
    a = better || b != b ? b : a;
  }
  static T Finish(Accumulator a, int64_t) { return static_cast<T>(a); }
};
template <typename T>
using Largest = Extremum<T, true>;
template <typename T>
using Smallest = Extremum<T, false>;

// Keeps Σ exp(x − m) beside the largest element m met so far, so that nothing overflows.
template <typename T>
struct LogSumExp {
  struct Accumulator {
    double maximum;
    double sum;
  };
  static constexpr double kInfinity = std::numeric_limits<double>::infinity();

  static Accumulator Identity() { return {-kInfinity, 0}; }
  static void Add(Accumulator& a, double x) { Merge(a, {x, 1}); }
  static void Row(Accumulator& a, const T* x, int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
      Add(a, static_cast<double>(static_cast<ComputeType<T>>(x[i])));
    }
  }
  static void Columns(Accumulator* a, const T* x, int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
      Add(a[i], static_cast<double>(static_cast<ComputeType<T>>(x[i])));
    }
  }
  static void Merge(Accumulator& a, Accumulator b) {
    if (b.maximum == -kInfinity) return;
    if (b.maximum > a.maximum) std::swap(a, b);
    // Equal infinities have the difference 0, not NaN.
    a.sum += b.maximum == a.maximum ? b.sum : b.sum * std::exp(b.maximum - a.maximum);
  }
  static T Finish(Accumulator a, int64_t) {
    return static_cast<T>(static_cast<ComputeType<T>>(a.maximum + std::log(a.sum)));
  }
};

// ---- Kernels

template <template <typename> typename Reducer>
absl::StatusOr<std::unique_ptr<Kernel>> ReduceGeneric(const KernelRequest& request) {
  const TensorDescription& x = request.inputs[0];
  STROP_ASSIGN_OR_RETURN(const std::vector<int64_t> axes, ConstantIntegers(request, 1));
  STROP_ASSIGN_OR_RETURN(const std::vector<bool> is_reduced,
                         ReducedAxes(request.node, axes, x.rank()));
  std::unique_ptr<Kernel> kernel;
  STROP_RETURN_IF_ERROR(VisitNumeric(x.type, request.node.op_type, [&]<typename T>() {
    kernel = ReductionKernel<T, Reducer<T>>(Reduction(x.shape, is_reduced));
    return absl::OkStatus();
  }));
  return kernel;
}

// ---- Definitions

OpDefinition Reduce(std::string_view name, int since_version,
                    absl::Status (*gradient)(GradientContext&), KernelFactory generic) {
  return {.name = name,
          .since_version = since_version,
          .minimum_inputs = 1,
          .maximum_inputs = 2,
          .shapes = ReduceShape,
          .differentiability = {Differentiability::kDifferentiable,
                                Differentiability::kNotDifferentiable},
          .gradient = gradient,
          .kernels = {generic}};
}

}  // namespace

const RegisteredFamily kReduce = {
    "reduce",
    {
        Reduce("ReduceSum", 13, SumGradient, ReduceGeneric<Total>),
        Reduce("ReduceMean", 18, MeanGradient, ReduceGeneric<Mean>),
        Reduce("ReduceMax", 20, GradientFromResult, ReduceGeneric<Largest>),
        Reduce("ReduceMin", 20, GradientFromResult, ReduceGeneric<Smallest>),
        Reduce("ReduceProd", 18, GradientFromResult, ReduceGeneric<Product>),
        Reduce("ReduceL1", 18, GradientFromResult, ReduceGeneric<L1>),
        Reduce("ReduceL2", 18, GradientFromResult, ReduceGeneric<L2>),
        Reduce("ReduceSumSquare", 18, GradientFromResult, ReduceGeneric<SumSquare>),
        Reduce("ReduceLogSum", 28, GradientFromResult, ReduceGeneric<LogSum>),
        Reduce("ReduceLogSumExp", 28, GradientFromResult, ReduceGeneric<LogSumExp>),
    }};

}  // namespace strop
