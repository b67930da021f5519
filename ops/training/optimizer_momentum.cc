// Optimizers whose direction is the gradient, a running sum of it, or its sign. Shared notation and
// operands: ops/training/optimizer_step.h.
//
//   SgdUpdate       torch.optim.SGD
//                   b = t = 1 ? g : momentum·b + (1 - dampening)·g
//                   p -= η·(nesterov ? g + momentum·b : b); without a momentum buffer p -= η·g
//   LionUpdate      Chen et al. 2023, "Symbolic Discovery of Optimization Algorithms"
//                   p *= 1 - η·λ, p -= η·sign(beta1·m + (1-beta1)·g), m = beta2·m + (1-beta2)·g

#include <cmath>

#include "ops/core/family.h"
#include "ops/training/optimizer_step.h"
#include "ops/training/update_operator.h"

namespace strop {
namespace {

// ---- Attributes

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

struct LionAttributes : GradientAttributes {
  double beta1;
  double beta2;
  explicit LionAttributes(const Node& node)
      : GradientAttributes(node),
        beta1(node.attributes.Float("beta1", 0.9)),
        beta2(node.attributes.Float("beta2", 0.99)) {}
};

// ---- Kernels

class Sgd {
 public:
  explicit Sgd(const Node& node) : attributes_(node) {}
  bool KeepsZeros() const { return true; }
  bool IsDecoupled() const { return false; }

  template <typename T>
  void Apply(const OptimizerStep<T>& step, int64_t begin, int64_t end) const {
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

class Lion {
 public:
  explicit Lion(const Node& node) : attributes_(node) {}
  bool KeepsZeros() const { return true; }
  bool IsDecoupled() const { return true; }

  template <typename T>
  void Apply(const OptimizerStep<T>& step, int64_t begin, int64_t end) const {
    using C = ComputeType<T>;
    const C rate = static_cast<C>(step.learning_rate);
    const C keep = static_cast<C>(1 - step.learning_rate * attributes_.weight_decay);
    const C beta1 = static_cast<C>(attributes_.beta1);
    const C rest1 = static_cast<C>(1 - attributes_.beta1);
    const C beta2 = static_cast<C>(attributes_.beta2);
    const C rest2 = static_cast<C>(1 - attributes_.beta2);
    const T* p = step.parameter;
    T* new_p = step.new_parameter;
    const C* m = step.moments[0];
    C* new_m = step.new_moments[0];
#pragma omp simd
    for (int64_t i = begin; i < end; ++i) {
      const C g = step.Gradient(i);
      const C mixed = beta1 * m[i] + rest1 * g;
      new_m[i] = beta2 * m[i] + rest2 * g;
      const C sign = mixed > 0 ? C{1} : (mixed < 0 ? C{-1} : mixed);  // NaN stays NaN
      new_p[i] = static_cast<T>(keep * static_cast<C>(p[i]) - rate * sign);
    }
  }

 private:
  LionAttributes attributes_;
};

}  // namespace

// ---- Definitions

const RegisteredFamily kOptimizerMomentum = {
    "optimizer_momentum",
    {
        UpdateOperator("SgdUpdate", 0, 1, ElementUpdateKernel<Sgd>),
        UpdateOperator("LionUpdate", 1, 1, ElementUpdateKernel<Lion>),
    }};

}  // namespace strop
