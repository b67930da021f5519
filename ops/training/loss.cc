// Losses that compare a prediction with its target element by element. l is reduced to its mean,
// its sum, or not at all (`reduction`); g is the loss's gradient, divided by the count for a mean.
//
//   MSELoss         l = (x - t)²                                dx = 2·g·(x - t)
//   L1Loss          l = |x - t|                                 dx = g·sign(x - t), 0 at x = t
//   HuberLoss       l = |d| ≤ δ ? d²/2 : δ·(|d| - δ/2)          dx = g·clamp(d, -δ, δ)
//   SmoothL1Loss    l = |d| < β ? d²/(2β) : |d| - β/2           dx = g·clamp(d/β, -1, 1)
//   BinaryCrossEntropyWithLogitsLoss, w = pos_weight broadcast to x:
//                   l = (1-t)·x + (1 + (w-1)·t)·log(1 + e^-x)
//                                                      dx = g·((w·t + 1 - t)·sigmoid(x) - w·t)
//
// with d = x - t, as the torch.nn modules of these names. All take (x, t[, pos_weight]), t of x's
// shape and of any numeric type.

#include <cmath>

#include "graph/status_macros.h"
#include "ops/core/family.h"
#include "ops/kernels/elementwise.h"
#include "ops/kernels/workspace.h"
#include "ops/training/loss_reduction.h"
#include "ops/training/loss_target.h"

namespace strop {
namespace {

// ---- Attributes

// δ of HuberLoss, β of SmoothL1Loss: where the quadratic part ends.
struct ThresholdAttributes {
  double threshold;
  explicit ThresholdAttributes(const Node& node)
      : threshold(node.attributes.Float(node.op_type.starts_with("Huber") ? "delta" : "beta", 1)) {}
};

absl::Status CheckThreshold(const Node& node) {
  STROP_RETURN_IF_ERROR(CheckReduction(node));
  const double threshold = ThresholdAttributes(node).threshold;
  if (threshold > 0 && std::isfinite(threshold)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(NodeLabel(node), ": found a threshold of ",
                                                 threshold, ", expected a positive number"));
}

// ---- Type rules

// (x, t[, pos_weight]) from input `first` on.
absl::Status CheckOperands(const ShapeContext& context, size_t first) {
  const Shape& x = context.input(first);
  if (context.input(first + 1) != x) {
    return context.Mismatch(absl::StrCat("a target ", ShapeName(context.input(first + 1)),
                                         " for predictions ", ShapeName(x)),
                            "equal shapes");
  }
  if (!context.has_input(first + 2)) return absl::OkStatus();
  const absl::StatusOr<Shape> broadcast = Broadcast(x, context.input(first + 2));
  if (broadcast.ok() && *broadcast == x) return absl::OkStatus();
  return context.Mismatch(absl::StrCat("pos_weight ", ShapeName(context.input(first + 2))),
                          absl::StrCat("a shape that broadcasts to ", ShapeName(x)));
}

absl::Status LossShape(ShapeContext& context) {
  STROP_RETURN_IF_ERROR(CheckOperands(context, 0));
  const bool reduces = ReductionOf(context.node()) != LossReduction::kNone;
  context.set_output(0, reduces ? Shape() : context.input(0));
  return absl::OkStatus();
}

absl::Status GradientShape(ShapeContext& context) {
  STROP_RETURN_IF_ERROR(CheckOperands(context, 1));
  context.set_output(0, context.input(1));
  return absl::OkStatus();
}

absl::Status GradientElementType(ElementTypeContext& context) {
  context.set_all_outputs(context.input(1));
  return absl::OkStatus();
}

// ---- Gradient rules

// dx = <Op>Gradient(dloss, x, t[, pos_weight]). In the symmetric losses t's gradient is x's with
// the two exchanged.
absl::Status GradientRule(GradientContext& context) {
  const Node& node = context.node();
  const std::string op = node.op_type + "Gradient";
  const ValueId gradient = context.output_gradient(0);
  for (size_t i = 0; i < 2; ++i) {
    if (!context.needs_gradient(i)) continue;
    if (gradient == kNoValue) {
      context.SetZeroGradient(i);
      continue;
    }
    std::vector<ValueId> inputs = {gradient, context.input(i), context.input(1 - i)};
    if (node.inputs.size() > 2) inputs.push_back(context.input(2));
    context.SetInputGradient(i, context.EmitStrop(op, std::move(inputs), node.attributes));
  }
  return absl::OkStatus();
}

// ---- Functions of (x, t, w): the loss of an element and its derivative by x

struct SquaredError {
  explicit SquaredError(const Node&) {}
  template <typename C>
  C Loss(C x, C t, C) const {
    return (x - t) * (x - t);
  }
  template <typename C>
  C Derivative(C x, C t, C) const {
    return 2 * (x - t);
  }
};

struct AbsoluteError {
  explicit AbsoluteError(const Node&) {}
  template <typename C>
  C Loss(C x, C t, C) const {
    return std::abs(x - t);
  }
  template <typename C>
  C Derivative(C x, C t, C) const {
    return x == t ? C{0} : std::copysign(C{1}, x - t);
  }
};

struct Huber {
  double delta;
  explicit Huber(const Node& node) : delta(ThresholdAttributes(node).threshold) {}
  template <typename C>
  C Loss(C x, C t, C) const {
    const C threshold = static_cast<C>(delta);
    const C distance = std::abs(x - t);
    return distance <= threshold ? distance * distance / 2 : threshold * (distance - threshold / 2);
  }
  template <typename C>
  C Derivative(C x, C t, C) const {
    const C threshold = static_cast<C>(delta);
    const C d = x - t;
    return d < -threshold ? -threshold : d > threshold ? threshold : d;
  }
};

struct SmoothAbsoluteError {
  double beta;
  explicit SmoothAbsoluteError(const Node& node) : beta(ThresholdAttributes(node).threshold) {}
  template <typename C>
  C Loss(C x, C t, C) const {
    const C threshold = static_cast<C>(beta);
    const C distance = std::abs(x - t);
    return distance < threshold ? distance * distance / (2 * threshold) : distance - threshold / 2;
  }
  template <typename C>
  C Derivative(C x, C t, C) const {
    const C d = (x - t) / static_cast<C>(beta);
    return d < -1 ? C{-1} : d > 1 ? C{1} : d;
  }
};

struct BinaryCrossEntropyWithLogits {
  explicit BinaryCrossEntropyWithLogits(const Node&) {}
  template <typename C>
  C Loss(C x, C t, C w) const {
    const C softplus = std::log1p(std::exp(-std::abs(x))) + std::max(-x, C{0});  // log(1 + e^-x)
    return (1 - t) * x + (1 + (w - 1) * t) * softplus;
  }
  template <typename C>
  C Derivative(C x, C t, C w) const {
    const C e = std::exp(-std::abs(x));
    const C sigmoid = (x < 0 ? e : C{1}) / (1 + e);
    return (w * t + 1 - t) * sigmoid - w * t;
  }
};

// ---- Kernels

// Elements whose losses are summed before they join the others: the sum's order depends on nothing
// but their number.
constexpr int64_t kBlock = 4096;

// The target and pos_weight of a loss in the compute type C, x's elements counted as x lies.
template <typename C>
class LossOperands {
 public:
  LossOperands(const KernelRequest& request, size_t first)
      : first_(first),
        count_(request.inputs[first].element_count()),
        target_type_(request.inputs[first + 1].type) {
    if (target_type_ != DataTypeOf<C>::value) bytes_ = AlignedBytes(Bytes(count_));
    if (!request.has_input(first + 2)) return;
    const TensorDescription& weight = request.inputs[first + 2];
    weight_type_ = weight.type;
    weight_count_ = weight.element_count();
    bytes_ += AlignedBytes(Bytes(weight_count_));
    shape_ = request.inputs[first].shape;
    strides_.assign(shape_.size(), 0);
    const Shape dense = DenseStrides(weight.shape);
    const size_t missing = shape_.size() - dense.size();
    for (size_t i = 0; i < dense.size(); ++i) {
      strides_[missing + i] = weight.shape[i] == 1 ? 0 : dense[i];
    }
  }

  size_t workspace_bytes() const { return bytes_; }

  // Reads the operands of this step into `workspace` where they are not in C already.
  absl::Status Prepare(const KernelArguments& arguments, void* workspace, const C*& target,
                       const C*& weight) const {
    C* next = static_cast<C*>(workspace);
    target = static_cast<const C*>(arguments.inputs[first_ + 1]);
    if (target_type_ != DataTypeOf<C>::value) {
      STROP_RETURN_IF_ERROR(
          ReadNumbers<C>(target_type_, target, absl::MakeSpan(next, static_cast<size_t>(count_))));
      target = next;
      next += AlignedBytes(Bytes(count_)) / sizeof(C);
    }
    weight = nullptr;
    if (weight_type_ == DataType::kUndefined) return absl::OkStatus();
    STROP_RETURN_IF_ERROR(ReadNumbers<C>(weight_type_, arguments.inputs[first_ + 2],
                                         absl::MakeSpan(next, static_cast<size_t>(weight_count_))));
    weight = next;
    return absl::OkStatus();
  }

  // Where element `index` of x finds its pos_weight.
  int64_t WeightIndex(int64_t index) const {
    int64_t result = 0;
    for (size_t i = shape_.size(); i-- > 0;) {
      result += index % shape_[i] * strides_[i];
      index /= shape_[i];
    }
    return result;
  }

 private:
  static size_t Bytes(int64_t count) { return sizeof(C) * static_cast<size_t>(count); }

  size_t first_;
  int64_t count_;
  DataType target_type_;
  DataType weight_type_ = DataType::kUndefined;
  int64_t weight_count_ = 0;
  size_t bytes_ = 0;
  Shape shape_;
  Shape strides_;  // of pos_weight, 0 where it broadcasts
};

template <typename Function>
absl::StatusOr<std::unique_ptr<Kernel>> LossKernel(const KernelRequest& request) {
  std::unique_ptr<Kernel> kernel;
  const auto make = [&]<typename T>() {
    using C = ComputeType<T>;
    const LossOperands<C> operands(request, 0);
    const int64_t count = request.inputs[0].element_count();
    const int64_t blocks = (count + kBlock - 1) / kBlock;
    const size_t sums_bytes = AlignedBytes(sizeof(double) * static_cast<size_t>(blocks));
    const LossReduction reduction = ReductionOf(request.node);
    kernel = MakeKernel(
        [=, function = Function(request.node)](const KernelArguments& arguments) -> absl::Status {
          const T* x = arguments.input<T>(0);
          T* y = arguments.output<T>(0);
          double* sums = static_cast<double*>(arguments.workspace);
          const C* target = nullptr;
          const C* weight = nullptr;
          STROP_RETURN_IF_ERROR(
              operands.Prepare(arguments, static_cast<std::byte*>(arguments.workspace) + sums_bytes,
                               target, weight));
          ParallelFor(blocks, 1, [&](int64_t begin, int64_t end) {
            for (int64_t block = begin; block < end; ++block) {
              double sum = 0;
              for (int64_t i = block * kBlock; i < std::min(count, (block + 1) * kBlock); ++i) {
                const C w = weight == nullptr ? C{1} : weight[operands.WeightIndex(i)];
                const C loss = function.Loss(static_cast<C>(x[i]), target[i], w);
                if (reduction == LossReduction::kNone) y[i] = static_cast<T>(loss);
                sum += static_cast<double>(loss);
              }
              sums[block] = sum;
            }
          });
          if (reduction == LossReduction::kNone) return absl::OkStatus();
          double sum = 0;
          for (int64_t block = 0; block < blocks; ++block) sum += sums[block];
          if (reduction == LossReduction::kMean) sum /= static_cast<double>(count);
          y[0] = static_cast<T>(static_cast<C>(sum));
          return absl::OkStatus();
        },
        sums_bytes + operands.workspace_bytes());
    return absl::OkStatus();
  };
  STROP_RETURN_IF_ERROR(VisitFloating(request.inputs[0].type, request.node.op_type, make));
  return kernel;
}

template <typename Function>
absl::StatusOr<std::unique_ptr<Kernel>> LossGradientKernel(const KernelRequest& request) {
  std::unique_ptr<Kernel> kernel;
  const auto make = [&]<typename T>() {
    using C = ComputeType<T>;
    const LossOperands<C> operands(request, 1);
    const int64_t count = request.inputs[1].element_count();
    const LossReduction reduction = ReductionOf(request.node);
    kernel = MakeKernel(
        [=, function = Function(request.node)](const KernelArguments& arguments) -> absl::Status {
          const T* dloss = arguments.input<T>(0);
          const T* x = arguments.input<T>(1);
          T* dx = arguments.output<T>(0);
          const C* target = nullptr;
          const C* weight = nullptr;
          STROP_RETURN_IF_ERROR(operands.Prepare(arguments, arguments.workspace, target, weight));
          const C divisor = reduction == LossReduction::kMean ? static_cast<C>(count) : C{1};
          const int64_t step = reduction == LossReduction::kNone ? 1 : 0;
          ParallelFor(count, kElementwiseGrain, [&](int64_t begin, int64_t end) {
            for (int64_t i = begin; i < end; ++i) {
              const C w = weight == nullptr ? C{1} : weight[operands.WeightIndex(i)];
              const C scale = static_cast<C>(dloss[i * step]) / divisor;
              dx[i] =
                  static_cast<T>(scale * function.Derivative(static_cast<C>(x[i]), target[i], w));
            }
          });
          return absl::OkStatus();
        },
        operands.workspace_bytes());
    return absl::OkStatus();
  };
  STROP_RETURN_IF_ERROR(VisitFloating(request.inputs[1].type, request.node.op_type, make));
  return kernel;
}

// ---- Definitions

template <typename Function>
OpDefinition Loss(std::string_view name, absl::Status (*check_attributes)(const Node&),
                  Differentiability by_target, int maximum_inputs) {
  return {.name = name,
          .domain = kStropDomain,
          .minimum_inputs = 2,
          .maximum_inputs = maximum_inputs,
          .check_attributes = check_attributes,
          .shapes = LossShape,
          .differentiability = {Differentiability::kDifferentiable, by_target,
                                Differentiability::kNotImplemented},
          .gradient = GradientRule,
          .kernels = {LossKernel<Function>}};
}

template <typename Function>
OpDefinition LossGradient(std::string_view name, absl::Status (*check_attributes)(const Node&),
                          int maximum_inputs) {
  return {.name = name,
          .domain = kStropDomain,
          .minimum_inputs = 3,
          .maximum_inputs = maximum_inputs,
          .check_attributes = check_attributes,
          .element_types = GradientElementType,
          .shapes = GradientShape,
          .differentiability = {Differentiability::kNotImplemented},
          .kernels = {LossGradientKernel<Function>},
          .in_place = {{1, 0}}};
}

constexpr Differentiability kYes = Differentiability::kDifferentiable;
constexpr Differentiability kNotYet = Differentiability::kNotImplemented;

}  // namespace

const RegisteredFamily kLoss = {
    "loss",
    {
        Loss<SquaredError>("MSELoss", CheckReduction, kYes, 2),
        LossGradient<SquaredError>("MSELossGradient", CheckReduction, 3),
        Loss<AbsoluteError>("L1Loss", CheckReduction, kYes, 2),
        LossGradient<AbsoluteError>("L1LossGradient", CheckReduction, 3),
        Loss<Huber>("HuberLoss", CheckThreshold, kYes, 2),
        LossGradient<Huber>("HuberLossGradient", CheckThreshold, 3),
        Loss<SmoothAbsoluteError>("SmoothL1Loss", CheckThreshold, kYes, 2),
        LossGradient<SmoothAbsoluteError>("SmoothL1LossGradient", CheckThreshold, 3),
        Loss<BinaryCrossEntropyWithLogits>("BinaryCrossEntropyWithLogitsLoss", CheckReduction,
                                           kNotYet, 3),
        LossGradient<BinaryCrossEntropyWithLogits>("BinaryCrossEntropyWithLogitsLossGradient",
                                                   CheckReduction, 4),
    }};

}  // namespace strop
