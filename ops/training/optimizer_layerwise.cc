// Optimizers that scale each parameter's step by the ratio of two norms, so that large batches
// train. Shared notation and operands: ops/training/optimizer_step.h. Ratios are 1 where a norm is
// 0.
//
//   LarsUpdate      You et al. 2017, "Large Batch Training of Convolutional Networks"
//                   r = trust_coefficient·‖p‖/(‖g‖ + λ·‖p‖ + ε), h = r·(g + λ·p), then as
//                   SgdUpdate: b = t = 1 ? h : momentum·b + (1 - dampening)·h p -= η·(nesterov ? h
//                   + momentum·b : b); without a momentum buffer p -= η·h
//   LambUpdate      You et al. 2020, "Large Batch Optimization for Deep Learning"
//                   m += (1-beta1)·(g - m), v = beta2·v + (1-beta2)·g²
//                   u = m/(1-beta1^t)/(√v/√(1-beta2^t) + ε) + λ·p, p -= η·‖p‖/‖u‖·u

#include <cmath>

#include "ops/core/family.h"
#include "ops/training/adam_moments.h"
#include "ops/training/optimizer_step.h"
#include "ops/training/update_operator.h"

namespace strop {
namespace {

// ---- Attributes

struct LarsAttributes : GradientAttributes {
  double momentum;
  double dampening;
  bool nesterov;
  double trust_coefficient;
  double epsilon;
  explicit LarsAttributes(const Node& node)
      : GradientAttributes(node),
        momentum(node.attributes.Float("momentum", 0.9)),
        dampening(node.attributes.Float("dampening", 0)),
        nesterov(node.attributes.Int("nesterov", 0) != 0),
        trust_coefficient(node.attributes.Float("trust_coefficient", 1e-3)),
        epsilon(node.attributes.Float("epsilon", 1e-8)) {}
};

struct LambAttributes : AdamMomentAttributes {
  explicit LambAttributes(const Node& node) : AdamMomentAttributes(node, 1e-6) {}
};

// ---- Kernels

class Lars {
 public:
  explicit Lars(const Node& node) : attributes_(node) {}
  bool KeepsZeros() const { return true; }
  bool IsDecoupled() const { return false; }

  template <typename T>
  SquareSums Sums(const OptimizerStep<T>& step, int64_t begin, int64_t end) const {
    using C = ComputeType<T>;
    double of_parameter = 0;
    double of_gradient = 0;
#pragma omp simd reduction(+ : of_parameter, of_gradient)
    for (int64_t i = begin; i < end; ++i) {
      const double p = static_cast<double>(static_cast<C>(step.parameter[i]));
      const double g = static_cast<double>(step.ClippedGradient(i));
      of_parameter += p * p;
      of_gradient += g * g;
    }
    return {of_parameter, of_gradient};
  }

  template <typename T>
  void Apply(const OptimizerStep<T>& step, const SquareSums& sums, int64_t begin,
             int64_t end) const {
    using C = ComputeType<T>;
    const C rate = static_cast<C>(step.learning_rate);
    const C ratio = static_cast<C>(TrustRatio(sums));
    const bool is_first = step.step == 1;
    const C momentum = static_cast<C>(attributes_.momentum);
    const C kept = is_first ? C{0} : momentum;
    const C taken = is_first ? C{1} : static_cast<C>(1 - attributes_.dampening);
    const C of_gradient = attributes_.nesterov ? C{1} : C{0};
    const C of_buffer = attributes_.nesterov ? momentum : C{1};
    const T* p = step.parameter;
    T* new_p = step.new_parameter;
    const C* b = step.moments[0];
    C* new_b = step.new_moments[0];
    if (b == nullptr) {
#pragma omp simd
      for (int64_t i = begin; i < end; ++i) {
        new_p[i] = static_cast<T>(static_cast<C>(p[i]) - rate * (ratio * step.Gradient(i)));
      }
      return;
    }
#pragma omp simd
    for (int64_t i = begin; i < end; ++i) {
      const C h = ratio * step.Gradient(i);
      const C buffer = kept * b[i] + taken * h;
      new_b[i] = buffer;
      new_p[i] =
          static_cast<T>(static_cast<C>(p[i]) - rate * (of_gradient * h + of_buffer * buffer));
    }
  }

 private:
  double TrustRatio(const SquareSums& sums) const {
    if (sums.parameter == 0 || sums.direction == 0) return 1;
    const double norm = std::sqrt(sums.parameter);
    return attributes_.trust_coefficient * norm /
           (std::sqrt(sums.direction) + norm * attributes_.weight_decay + attributes_.epsilon);
  }

  LarsAttributes attributes_;
};

class Lamb {
 public:
  explicit Lamb(const Node& node) : attributes_(node) {}
  bool KeepsZeros() const { return attributes_.epsilon > 0; }
  bool IsDecoupled() const { return true; }

  // Moves the moments on the way.
  template <typename T>
  SquareSums Sums(const OptimizerStep<T>& step, int64_t begin, int64_t end) const {
    using C = ComputeType<T>;
    const Direction<C> direction(attributes_, step.step);
    const AdamMoments<C> moments(attributes_, step);
    double of_parameter = 0;
    double of_direction = 0;
#pragma omp simd reduction(+ : of_parameter, of_direction)
    for (int64_t i = begin; i < end; ++i) {
      const C p = static_cast<C>(step.parameter[i]);
      const C g = step.Gradient(i);
      const auto [first, second] = moments.Move(i, g);
      const double u = static_cast<double>(direction(first, second, p));
      of_parameter += static_cast<double>(p) * static_cast<double>(p);
      of_direction += u * u;
    }
    return {of_parameter, of_direction};
  }

  template <typename T>
  void Apply(const OptimizerStep<T>& step, const SquareSums& sums, int64_t begin,
             int64_t end) const {
    using C = ComputeType<T>;
    const Direction<C> direction(attributes_, step.step);
    const bool has_ratio = sums.parameter != 0 && sums.direction != 0;
    const double ratio = has_ratio ? std::sqrt(sums.parameter) / std::sqrt(sums.direction) : 1;
    const C rate = static_cast<C>(step.learning_rate * ratio);
    const T* p = step.parameter;
    T* new_p = step.new_parameter;
    const C* m = step.new_moments[0];
    const C* v = step.new_moments[1];
#pragma omp simd
    for (int64_t i = begin; i < end; ++i) {
      const C old = static_cast<C>(p[i]);
      new_p[i] = static_cast<T>(old - rate * direction(m[i], v[i], old));
    }
  }

 private:
  // u of moments and parameter.
  template <typename C>
  struct Direction {
    C correction1;
    C root_correction2;
    C epsilon;
    C decay;
    Direction(const LambAttributes& attributes, double step)
        : correction1(static_cast<C>(1 - std::pow(attributes.beta1, step))),
          root_correction2(static_cast<C>(std::sqrt(1 - std::pow(attributes.beta2, step)))),
          epsilon(static_cast<C>(attributes.epsilon)),
          decay(static_cast<C>(attributes.weight_decay)) {}
    C operator()(C m, C v, C p) const {
      return m / correction1 / (std::sqrt(v) / root_correction2 + epsilon) + decay * p;
    }
  };

  LambAttributes attributes_;
};

}  // namespace

// ---- Definitions

const RegisteredFamily kOptimizerLayerwise = {
    "optimizer_layerwise",
    {
        UpdateOperator("LarsUpdate", 0, 1, LayerUpdateKernel<Lars>),
        UpdateOperator("LambUpdate", 2, 2, LayerUpdateKernel<Lamb>),
    }};

}  // namespace strop
