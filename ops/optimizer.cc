// One step of an optimizer on one parameter. p parameter, g gradient, η learning rate, t step
// (counts from 1), s gradient scale (1 when absent), λ weight_decay; g is first scaled, clamped to
// ±clip_value and, unless the decay is decoupled, increased by λ·p, as torch.optim does it.
//
//   SgdUpdate       b = t = 1 ? g : momentum·b + (1 - dampening)·g
//                   p -= η·(nesterov ? g + momentum·b : b); without a momentum buffer p -= η·g
//   RmsPropUpdate   v = alpha·v + (1-alpha)·g²
//                   centered (an average a is given): a += (1-alpha)·(g - a), d = √(v - a²) + ε
//                   otherwise d = √v + ε
//                   b = momentum·b + g/d, p -= η·b; without a momentum buffer p -= η·g/d
//   AdamUpdate      m += (1-beta1)·(g - m), v = beta2·v + (1-beta2)·g²
//                   amsgrad (a maximum x is given): x = max(x, v), which then stands for v
//                   p -= η/(1-beta1^t)·m/(√v/√(1-beta2^t) + ε)
//                   decoupled_weight_decay (AdamW): p *= 1 - η·λ first
//
// Inputs  (p, g, η, t, s, moments…), outputs (p, moments…) in place. η and s are rank-0, float or
// double; moments have the type that the parameter's arithmetic runs in.

#include <cmath>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "ops/elementwise.h"
#include "ops/families.h"

namespace strop {
namespace {

constexpr size_t kGradient = 1;
constexpr size_t kLearningRate = 2;
constexpr size_t kStep = 3;
constexpr size_t kGradientScale = 4;
constexpr size_t kFirstMoment = 5;

// ---- Attributes

// What all optimizers do with the gradient before they use it.
struct GradientAttributes {
  double weight_decay;
  double clip_value;  // 0: no clipping
  explicit GradientAttributes(const Node& node)
      : weight_decay(node.attributes.Float("weight_decay", 0)),
        clip_value(node.attributes.Float("clip_value", 0)) {}
};

struct SgdAttributes : GradientAttributes {
  double momentum;
  double dampening;
  bool nesterov;
  explicit SgdAttributes(const Node& node)
      : GradientAttributes(node),
        momentum(node.attributes.Float("momentum", 0)),
        dampening(node.attributes.Float("dampening", 0)),
        nesterov(node.attributes.Int("nesterov", 0) != 0) {}
};

struct RmsPropAttributes : GradientAttributes {
  double alpha;
  double epsilon;
  double momentum;
  explicit RmsPropAttributes(const Node& node)
      : GradientAttributes(node),
        alpha(node.attributes.Float("alpha", 0.99)),
        epsilon(node.attributes.Float("epsilon", 1e-8)),
        momentum(node.attributes.Float("momentum", 0)) {}
};

struct AdamAttributes : GradientAttributes {
  double beta1;
  double beta2;
  double epsilon;
  bool decoupled;
  explicit AdamAttributes(const Node& node)
      : GradientAttributes(node),
        beta1(node.attributes.Float("beta1", 0.9)),
        beta2(node.attributes.Float("beta2", 0.999)),
        epsilon(node.attributes.Float("epsilon", 1e-8)),
        decoupled(node.attributes.Int("decoupled_weight_decay", 0) != 0) {}
};

// ---- Type rules

DataType MomentType(DataType parameter) {
  return parameter == DataType::kDouble ? parameter : DataType::kFloat;
}

absl::Status UpdateElementTypes(ElementTypeContext& context) {
  context.set_all_outputs(MomentType(context.input(0)));
  context.set_output(0, context.input(0));
  return absl::OkStatus();
}

absl::Status UpdateShapes(ShapeContext& context) {
  const Shape& parameter = context.input(0);
  for (size_t i = 1; i < context.input_count(); ++i) {
    if (!context.has_input(i)) continue;
    const bool is_scalar = i >= kLearningRate && i <= kGradientScale;
    const Shape expected = is_scalar ? Shape() : parameter;
    if (context.input(i) != expected) {
      return context.Mismatch(absl::StrCat("input ", i, " of shape ", ShapeName(context.input(i))),
                              ShapeName(expected));
    }
  }
  return SameShapeAsInput0(context);
}

// ---- Kernels

// The buffers and numbers of one step. A moment that is not kept is null.
template <typename T>
struct Step {
  using C = ComputeType<T>;

  const T* parameter;
  const T* gradient;
  T* new_parameter;
  const C* moments[3];
  C* new_moments[3];
  double learning_rate;
  double step;
  C scale;
  C clip_value;
  C decay;  // added to the gradient as decay·p

  // The gradient of element i as the optimizer sees it.
  C Gradient(int64_t i) const {
    const C scaled = static_cast<C>(gradient[i]) * scale;
    const C clipped =
        scaled < -clip_value ? -clip_value : (scaled > clip_value ? clip_value : scaled);
    return clipped + decay * static_cast<C>(parameter[i]);
  }
};

// The state of a parameter lies as the parameter does, padding included: every rule maps zeros to
// zeros. In a half type parameter and moments differ in type, and so in layout.
int64_t AdoptParameterLayout(const KernelRequest& request, bool keeps_zeros, Kernel& kernel) {
  const TensorDescription& parameter = request.inputs[0];
  const int64_t count = parameter.element_count();
  if (parameter.layout == nullptr || MomentType(parameter.type) != parameter.type) return count;
  if (!keeps_zeros && !parameter.layout->is_unpadded()) return count;
  kernel.input_layouts.assign(request.inputs.size(), parameter.layout);
  for (size_t i = kLearningRate; i < std::min(kFirstMoment, request.inputs.size()); ++i) {
    kernel.input_layouts[i] = nullptr;
  }
  kernel.output_layouts.assign(request.outputs.size(), parameter.layout);
  return static_cast<int64_t>(parameter.layout->bytes() * 8) / BitsPerElement(parameter.type);
}

// Runs update(step, begin, end) over the parameter's elements; Update reads the attributes.
template <typename Update>
absl::StatusOr<std::unique_ptr<Kernel>> UpdateKernel(const KernelRequest& request) {
  std::unique_ptr<Kernel> kernel;
  const auto make = [&]<typename T>() {
    using C = ComputeType<T>;
    const Update update(request.node);
    const GradientAttributes attributes(request.node);
    auto made = std::make_unique<Kernel>();
    const int64_t count = AdoptParameterLayout(request, update.KeepsZeros(), *made);
    const bool is_rate_double = request.inputs[kLearningRate].type == DataType::kDouble;
    const bool has_scale = request.has_input(kGradientScale);
    const bool is_scale_double =
        has_scale && request.inputs[kGradientScale].type == DataType::kDouble;
    made->implementation = "vector";
    made->run = [=](const KernelArguments& arguments) {
      const auto scalar = [&arguments](size_t index, bool is_double) {
        return is_double ? *arguments.input<double>(index)
                         : static_cast<double>(*arguments.input<float>(index));
      };
      Step<T> step;
      step.parameter = arguments.input<T>(0);
      step.gradient = arguments.input<T>(kGradient);
      step.new_parameter = arguments.output<T>(0);
      for (size_t i = 0; i < 3; ++i) {
        step.moments[i] = arguments.input<C>(kFirstMoment + i);
        step.new_moments[i] = arguments.output<C>(1 + i);
      }
      step.learning_rate = scalar(kLearningRate, is_rate_double);
      step.step = static_cast<double>(*arguments.input<int64_t>(kStep));
      step.scale = has_scale ? static_cast<C>(scalar(kGradientScale, is_scale_double)) : C{1};
      step.clip_value = attributes.clip_value > 0 ? static_cast<C>(attributes.clip_value)
                                                  : std::numeric_limits<C>::infinity();
      step.decay = update.IsDecoupled() ? C{0} : static_cast<C>(attributes.weight_decay);
      ParallelFor(count, kElementwiseGrain,
                  [&](int64_t begin, int64_t end) { update.Apply(step, begin, end); });
      return absl::OkStatus();
    };
    kernel = std::move(made);
    return absl::OkStatus();
  };
  STROP_RETURN_IF_ERROR(VisitFloating(request.inputs[0].type, request.node.op_type, make));
  return kernel;
}

class Sgd {
 public:
  explicit Sgd(const Node& node) : attributes_(node) {}
  bool KeepsZeros() const { return true; }
  bool IsDecoupled() const { return false; }

  template <typename T>
  void Apply(const Step<T>& step, int64_t begin, int64_t end) const {
    using C = ComputeType<T>;
    const C rate = static_cast<C>(step.learning_rate);
    const T* p = step.parameter;
    T* new_p = step.new_parameter;
    if (step.moments[0] == nullptr) {
#pragma omp simd
      for (int64_t i = begin; i < end; ++i) {
        new_p[i] = static_cast<T>(static_cast<C>(p[i]) - rate * step.Gradient(i));
      }
      return;
    }
    const C* b = step.moments[0];
    C* new_b = step.new_moments[0];
    const bool is_first = step.step == 1;
    const C momentum = static_cast<C>(attributes_.momentum);
    const C kept = is_first ? C{0} : momentum;
    const C taken = is_first ? C{1} : static_cast<C>(1 - attributes_.dampening);
    const C of_gradient = attributes_.nesterov ? C{1} : C{0};
    const C of_buffer = attributes_.nesterov ? momentum : C{1};
#pragma omp simd
    for (int64_t i = begin; i < end; ++i) {
      const C g = step.Gradient(i);
      const C buffer = kept * b[i] + taken * g;
      new_b[i] = buffer;
      new_p[i] =
          static_cast<T>(static_cast<C>(p[i]) - rate * (of_gradient * g + of_buffer * buffer));
    }
  }

 private:
  SgdAttributes attributes_;
};

class RmsProp {
 public:
  explicit RmsProp(const Node& node) : attributes_(node) {}
  bool KeepsZeros() const { return attributes_.epsilon > 0; }
  bool IsDecoupled() const { return false; }

  template <typename T>
  void Apply(const Step<T>& step, int64_t begin, int64_t end) const {
    const bool is_centered = step.moments[1] != nullptr;
    if (step.moments[2] != nullptr) {
      is_centered ? Loop<true, true>(step, begin, end) : Loop<false, true>(step, begin, end);
    } else {
      is_centered ? Loop<true, false>(step, begin, end) : Loop<false, false>(step, begin, end);
    }
  }

 private:
  template <bool kIsCentered, bool kHasMomentum, typename T>
  void Loop(const Step<T>& step, int64_t begin, int64_t end) const {
    using C = ComputeType<T>;
    const C rate = static_cast<C>(step.learning_rate);
    const C alpha = static_cast<C>(attributes_.alpha);
    const C rest = static_cast<C>(1 - attributes_.alpha);
    const C epsilon = static_cast<C>(attributes_.epsilon);
    const C momentum = static_cast<C>(attributes_.momentum);
    const T* p = step.parameter;
    T* new_p = step.new_parameter;
    const C* v = step.moments[0];
    const C* a = step.moments[1];
    const C* b = step.moments[2];
    C* new_v = step.new_moments[0];
    C* new_a = step.new_moments[1];
    C* new_b = step.new_moments[2];
#pragma omp simd
    for (int64_t i = begin; i < end; ++i) {
      const C g = step.Gradient(i);
      const C square = alpha * v[i] + rest * (g * g);
      new_v[i] = square;
      C variance = square;
      if constexpr (kIsCentered) {
        const C average = a[i] + rest * (g - a[i]);
        new_a[i] = average;
        variance -= average * average;
      }
      C direction = g / (std::sqrt(variance) + epsilon);
      if constexpr (kHasMomentum) {
        direction += momentum * b[i];
        new_b[i] = direction;
      }
      new_p[i] = static_cast<T>(static_cast<C>(p[i]) - rate * direction);
    }
  }

  RmsPropAttributes attributes_;
};

class Adam {
 public:
  explicit Adam(const Node& node) : attributes_(node) {}
  bool KeepsZeros() const { return attributes_.epsilon > 0; }
  bool IsDecoupled() const { return attributes_.decoupled; }

  template <typename T>
  void Apply(const Step<T>& step, int64_t begin, int64_t end) const {
    const bool has_maximum = step.moments[2] != nullptr;
    has_maximum ? Loop<true>(step, begin, end) : Loop<false>(step, begin, end);
  }

 private:
  template <bool kHasMaximum, typename T>
  void Loop(const Step<T>& step, int64_t begin, int64_t end) const {
    using C = ComputeType<T>;
    const double correction1 = 1 - std::pow(attributes_.beta1, step.step);
    const double correction2 = 1 - std::pow(attributes_.beta2, step.step);
    const double shrink =
        attributes_.decoupled ? 1 - step.learning_rate * attributes_.weight_decay : 1;
    const C keep = static_cast<C>(shrink);
    const C step_size = static_cast<C>(step.learning_rate / correction1);
    const C root_correction = static_cast<C>(std::sqrt(correction2));
    const C rest1 = static_cast<C>(1 - attributes_.beta1);
    const C beta2 = static_cast<C>(attributes_.beta2);
    const C rest2 = static_cast<C>(1 - attributes_.beta2);
    const C epsilon = static_cast<C>(attributes_.epsilon);
    const T* p = step.parameter;
    T* new_p = step.new_parameter;
    const C* m = step.moments[0];
    const C* v = step.moments[1];
    const C* x = step.moments[2];
    C* new_m = step.new_moments[0];
    C* new_v = step.new_moments[1];
    C* new_x = step.new_moments[2];
#pragma omp simd
    for (int64_t i = begin; i < end; ++i) {
      const C g = step.Gradient(i);
      const C first = m[i] + rest1 * (g - m[i]);
      C second = beta2 * v[i] + rest2 * (g * g);
      new_m[i] = first;
      new_v[i] = second;
      if constexpr (kHasMaximum) {
        second = x[i] > second ? x[i] : second;
        new_x[i] = second;
      }
      const C denominator = std::sqrt(second) / root_correction + epsilon;
      new_p[i] = static_cast<T>(keep * static_cast<C>(p[i]) - step_size * (first / denominator));
    }
  }

  AdamAttributes attributes_;
};

// ---- Definitions

template <typename Update>
OpDefinition UpdateOp(std::string_view name, int minimum_moments, int maximum_moments) {
  OpDefinition op = {
      .name = name,
      .domain = kStropDomain,
      .minimum_inputs = static_cast<int>(kStep) + 1,
      .maximum_inputs = static_cast<int>(kFirstMoment) + maximum_moments,
      .minimum_outputs = 1 + minimum_moments,
      .maximum_outputs = 1 + maximum_moments,
      .element_types = UpdateElementTypes,
      .shapes = UpdateShapes,
      .differentiability = {Differentiability::kNotImplemented},
      .kernels = {UpdateKernel<Update>},
      .in_place = {{0, 0}},
  };
  for (int i = 0; i < maximum_moments; ++i) {
    op.in_place.emplace_back(static_cast<int>(kFirstMoment) + i, 1 + i);
  }
  return op;
}

}  // namespace

const OpFamily kOptimizer = {"optimizer",
                             {
                                 UpdateOp<Sgd>("SgdUpdate", 0, 1),
                                 UpdateOp<RmsProp>("RmsPropUpdate", 1, 3),
                                 UpdateOp<Adam>("AdamUpdate", 2, 3),
                             }};

}  // namespace strop
