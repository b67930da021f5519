// Adam and its kin. Shared notation and operands: ops/training/optimizer_step.h. The meaning is
// that of torch.optim's class of the same name. All keep
//   m += (1-beta1)·(g - m), v = beta2·v + (1-beta2)·g²
// and with c1 = 1 - beta1^t, c2 = 1 - beta2^t:
//
//   AdamUpdate      amsgrad (a maximum x is given): x = max(x, v), which then stands for v
//                   p -= η/c1·m/(√v/√c2 + ε)
//   NAdamUpdate     μ(t) = beta1·(1 - 0.96^(t·momentum_decay)/2), M(t) = Π μ(1…t), d = √(v/c2) + ε
//                   p -= η·(1-μ(t))/(1-M(t))·g/d, p -= η·μ(t+1)/(1-M(t+1))·m/d
//   RAdamUpdate     ρ∞ = 2/(1-beta2) - 1, ρ = ρ∞ - 2·t·beta2^t/c2
//                   ρ > 5: r = √((ρ-4)(ρ-2)ρ∞/((ρ∞-4)(ρ∞-2)ρ)), p -= η/c1·m·r·√c2/(√v + ε)
//                   otherwise p -= η/c1·m
//
// decoupled_weight_decay (AdamW): p *= 1 - η·λ first.

#include <cmath>

#include "ops/core/family.h"
#include "ops/training/adam_moments.h"
#include "ops/training/update_operator.h"

namespace strop {
namespace {

// ---- Attributes

struct AdamAttributes : AdamMomentAttributes {
  bool decoupled;
  explicit AdamAttributes(const Node& node)
      : AdamMomentAttributes(node, 1e-8),
        decoupled(node.attributes.Int("decoupled_weight_decay", 0) != 0) {}

  // What of a parameter stays before the step.
  double Keep(double learning_rate) const {
    return decoupled ? 1 - learning_rate * weight_decay : 1;
  }
};

struct NAdamAttributes : AdamAttributes {
  double momentum_decay;
  explicit NAdamAttributes(const Node& node)
      : AdamAttributes(node), momentum_decay(node.attributes.Float("momentum_decay", 4e-3)) {}
};

// ---- Kernels

class Adam {
 public:
  explicit Adam(const Node& node) : attributes_(node) {}
  bool KeepsZeros() const { return attributes_.epsilon > 0; }
  bool IsDecoupled() const { return attributes_.decoupled; }

  template <typename T>
  void Apply(const OptimizerStep<T>& step, int64_t begin, int64_t end) const {
    const bool has_maximum = step.moments[2] != nullptr;
    has_maximum ? Loop<true>(step, begin, end) : Loop<false>(step, begin, end);
  }

 private:
  template <bool kHasMaximum, typename T>
  void Loop(const OptimizerStep<T>& step, int64_t begin, int64_t end) const {
    using C = ComputeType<T>;
    const double correction1 = 1 - std::pow(attributes_.beta1, step.step);
    const double correction2 = 1 - std::pow(attributes_.beta2, step.step);
    const C keep = static_cast<C>(attributes_.Keep(step.learning_rate));
    const C step_size = static_cast<C>(step.learning_rate / correction1);
    const C root_correction = static_cast<C>(std::sqrt(correction2));
    const C epsilon = static_cast<C>(attributes_.epsilon);
    const T* p = step.parameter;
    T* new_p = step.new_parameter;
    const C* x = step.moments[2];
    C* new_x = step.new_moments[2];
    const AdamMoments<C> moments(attributes_, step);
#pragma omp simd
    for (int64_t i = begin; i < end; ++i) {
      const C g = step.Gradient(i);
      auto [first, second] = moments.Move(i, g);
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

// The numbers of NAdam's step t: μ(t), M(t) and the next ones. M is computed anew at every step, so
// that it needs no state; its factors are at most beta1, so that the product soon is nothing to 1.
struct NesterovMomentum {
  double current;
  double next;
  double product;
  double next_product;

  NesterovMomentum(const NAdamAttributes& attributes, double step) {
    const double base = std::pow(0.96, attributes.momentum_decay);
    double power = 1;
    const auto advance = [&] {
      power *= base;
      return attributes.beta1 * (1 - 0.5 * power);
    };
    constexpr double kNothing = 1e-20;
    product = 1;
    for (double t = 1; t <= step && product > kNothing; ++t) product *= advance();
    current = attributes.beta1 * (1 - 0.5 * std::pow(0.96, step * attributes.momentum_decay));
    next = attributes.beta1 * (1 - 0.5 * std::pow(0.96, (step + 1) * attributes.momentum_decay));
    next_product = product * next;
  }
};

class NAdam {
 public:
  explicit NAdam(const Node& node) : attributes_(node) {}
  bool KeepsZeros() const { return attributes_.epsilon > 0; }
  bool IsDecoupled() const { return attributes_.decoupled; }

  template <typename T>
  void Apply(const OptimizerStep<T>& step, int64_t begin, int64_t end) const {
    using C = ComputeType<T>;
    const NesterovMomentum momentum(attributes_, step.step);
    const C keep = static_cast<C>(attributes_.Keep(step.learning_rate));
    const C of_gradient =
        static_cast<C>(step.learning_rate * (1 - momentum.current) / (1 - momentum.product));
    const C of_average =
        static_cast<C>(step.learning_rate * momentum.next / (1 - momentum.next_product));
    const C correction2 = static_cast<C>(1 - std::pow(attributes_.beta2, step.step));
    const C epsilon = static_cast<C>(attributes_.epsilon);
    const T* p = step.parameter;
    T* new_p = step.new_parameter;
    const AdamMoments<C> moments(attributes_, step);
#pragma omp simd
    for (int64_t i = begin; i < end; ++i) {
      const C g = step.Gradient(i);
      const auto [first, second] = moments.Move(i, g);
      const C denominator = std::sqrt(second / correction2) + epsilon;
      new_p[i] = static_cast<T>(keep * static_cast<C>(p[i]) -
                                (of_gradient * g + of_average * first) / denominator);
    }
  }

 private:
  NAdamAttributes attributes_;
};

class RAdam {
 public:
  explicit RAdam(const Node& node) : attributes_(node) {}
  bool KeepsZeros() const { return attributes_.epsilon > 0; }
  bool IsDecoupled() const { return attributes_.decoupled; }

  template <typename T>
  void Apply(const OptimizerStep<T>& step, int64_t begin, int64_t end) const {
    const double limit = 2 / (1 - attributes_.beta2) - 1;
    const double power = std::pow(attributes_.beta2, step.step);
    const double length = limit - 2 * step.step * power / (1 - power);
    if (length <= 5) return Loop<false>(step, 1, begin, end);
    const double rectification =
        std::sqrt((length - 4) * (length - 2) * limit / ((limit - 4) * (limit - 2) * length));
    Loop<true>(step, rectification * std::sqrt(1 - power), begin, end);
  }

 private:
  template <bool kIsAdaptive, typename T>
  void Loop(const OptimizerStep<T>& step, double factor, int64_t begin, int64_t end) const {
    using C = ComputeType<T>;
    const double correction1 = 1 - std::pow(attributes_.beta1, step.step);
    const C keep = static_cast<C>(attributes_.Keep(step.learning_rate));
    const C step_size = static_cast<C>(step.learning_rate * factor / correction1);
    const C epsilon = static_cast<C>(attributes_.epsilon);
    const T* p = step.parameter;
    T* new_p = step.new_parameter;
    const AdamMoments<C> moments(attributes_, step);
#pragma omp simd
    for (int64_t i = begin; i < end; ++i) {
      const C g = step.Gradient(i);
      const auto [first, second] = moments.Move(i, g);
      C direction = first;
      if constexpr (kIsAdaptive) direction /= std::sqrt(second) + epsilon;
      new_p[i] = static_cast<T>(keep * static_cast<C>(p[i]) - step_size * direction);
    }
  }

  AdamAttributes attributes_;
};

}  // namespace

// ---- Definitions

const RegisteredFamily kOptimizerAdam = {
    "optimizer_adam",
    {
        UpdateOperator("AdamUpdate", 2, 3, ElementUpdateKernel<Adam>),
        UpdateOperator("NAdamUpdate", 2, 2, ElementUpdateKernel<NAdam>),
        UpdateOperator("RAdamUpdate", 2, 2, ElementUpdateKernel<RAdam>),
    }};

}  // namespace strop
