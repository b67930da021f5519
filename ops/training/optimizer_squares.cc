// Optimizers that divide the gradient by the root of its squares. Shared notation and operands:
// ops/training/optimizer_step.h. The meaning is that of torch.optim's class of the same name.
//
//   RmsPropUpdate   v = alpha·v + (1-alpha)·g²
//                   centered (an average a is given): a += (1-alpha)·(g - a), d = √(v - a²) + ε
//                   otherwise d = √v + ε
//                   b = momentum·b + g/d, p -= η·b; without a momentum buffer p -= η·g/d
//   AdagradUpdate   v += g², p -= η/(1 + (t-1)·learning_rate_decay)·g/(√v + ε)
//   AdadeltaUpdate  v = rho·v + (1-rho)·g², d = √(u + ε)/√(v + ε)·g
//                   u = rho·u + (1-rho)·d², p -= η·d

#include <cmath>

#include "ops/core/family.h"
#include "ops/training/optimizer_step.h"
#include "ops/training/update_operator.h"

namespace strop {
namespace {

// ---- Attributes

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

struct AdagradAttributes : GradientAttributes {
  double learning_rate_decay;
  double epsilon;
  explicit AdagradAttributes(const Node& node)
      : GradientAttributes(node),
        learning_rate_decay(node.attributes.Float("learning_rate_decay", 0)),
        epsilon(node.attributes.Float("epsilon", 1e-10)) {}
};

struct AdadeltaAttributes : GradientAttributes {
  double rho;
  double epsilon;
  explicit AdadeltaAttributes(const Node& node)
      : GradientAttributes(node),
        rho(node.attributes.Float("rho", 0.9)),
        epsilon(node.attributes.Float("epsilon", 1e-6)) {}
};

// ---- Kernels

class RmsProp {
 public:
  explicit RmsProp(const Node& node) : attributes_(node) {}
  bool KeepsZeros() const { return attributes_.epsilon > 0; }
  bool IsDecoupled() const { return false; }

  template <typename T>
  void Apply(const OptimizerStep<T>& step, int64_t begin, int64_t end) const {
    const bool is_centered = step.moments[1] != nullptr;
    if (step.moments[2] != nullptr) {
      is_centered ? Loop<true, true>(step, begin, end) : Loop<false, true>(step, begin, end);
    } else {
      is_centered ? Loop<true, false>(step, begin, end) : Loop<false, false>(step, begin, end);
    }
  }

 private:
  template <bool kIsCentered, bool kHasMomentum, typename T>
  void Loop(const OptimizerStep<T>& step, int64_t begin, int64_t end) const {
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

class Adagrad {
 public:
  explicit Adagrad(const Node& node) : attributes_(node) {}
  bool KeepsZeros() const { return attributes_.epsilon > 0; }
  bool IsDecoupled() const { return false; }

  template <typename T>
  void Apply(const OptimizerStep<T>& step, int64_t begin, int64_t end) const {
    using C = ComputeType<T>;
    const C rate = static_cast<C>(step.learning_rate /
                                  (1 + (step.step - 1) * attributes_.learning_rate_decay));
    const C epsilon = static_cast<C>(attributes_.epsilon);
    const T* p = step.parameter;
    T* new_p = step.new_parameter;
    const C* v = step.moments[0];
    C* new_v = step.new_moments[0];
#pragma omp simd
    for (int64_t i = begin; i < end; ++i) {
      const C g = step.Gradient(i);
      const C sum = v[i] + g * g;
      new_v[i] = sum;
      new_p[i] = static_cast<T>(static_cast<C>(p[i]) - rate * (g / (std::sqrt(sum) + epsilon)));
    }
  }

 private:
  AdagradAttributes attributes_;
};

class Adadelta {
 public:
  explicit Adadelta(const Node& node) : attributes_(node) {}
  bool KeepsZeros() const { return attributes_.epsilon > 0; }
  bool IsDecoupled() const { return false; }

  template <typename T>
  void Apply(const OptimizerStep<T>& step, int64_t begin, int64_t end) const {
    using C = ComputeType<T>;
    const C rate = static_cast<C>(step.learning_rate);
    const C rho = static_cast<C>(attributes_.rho);
    const C rest = static_cast<C>(1 - attributes_.rho);
    const C epsilon = static_cast<C>(attributes_.epsilon);
    const T* p = step.parameter;
    T* new_p = step.new_parameter;
    const C* v = step.moments[0];
    const C* u = step.moments[1];
    C* new_v = step.new_moments[0];
    C* new_u = step.new_moments[1];
#pragma omp simd
    for (int64_t i = begin; i < end; ++i) {
      const C g = step.Gradient(i);
      const C square = rho * v[i] + rest * (g * g);
      const C delta = std::sqrt(u[i] + epsilon) / std::sqrt(square + epsilon) * g;
      new_v[i] = square;
      new_u[i] = rho * u[i] + rest * (delta * delta);
      new_p[i] = static_cast<T>(static_cast<C>(p[i]) - rate * delta);
    }
  }

 private:
  AdadeltaAttributes attributes_;
};

}  // namespace

// ---- Definitions

const RegisteredFamily kOptimizerSquares = {
    "optimizer_squares",
    {
        UpdateOperator("RmsPropUpdate", 1, 3, ElementUpdateKernel<RmsProp>),
        UpdateOperator("AdagradUpdate", 1, 1, ElementUpdateKernel<Adagrad>),
        UpdateOperator("AdadeltaUpdate", 2, 2, ElementUpdateKernel<Adadelta>),
    }};

}  // namespace strop
