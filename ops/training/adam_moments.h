#pragma once

#include "ops/training/optimizer_step.h"

namespace strop {

// What Adam and its kin have in common: the decays beta1 and beta2 of their two moments, and ε.
struct AdamMomentAttributes : GradientAttributes {
  double beta1;
  double beta2;
  double epsilon;
  AdamMomentAttributes(const Node& node, double default_epsilon)
      : GradientAttributes(node),
        beta1(node.attributes.Float("beta1", 0.9)),
        beta2(node.attributes.Float("beta2", 0.999)),
        epsilon(node.attributes.Float("epsilon", default_epsilon)) {}
};

// The running means of a gradient g and of its squares, moments 0 and 1 of a step:
//   m += (1-beta1)·(g - m), v = beta2·v + (1-beta2)·g²
template <typename C>
class AdamMoments {
 public:
  template <typename T>
  AdamMoments(const AdamMomentAttributes& attributes, const OptimizerStep<T>& step)
      : rest1_(static_cast<C>(1 - attributes.beta1)),
        beta2_(static_cast<C>(attributes.beta2)),
        rest2_(static_cast<C>(1 - attributes.beta2)),
        m_(step.moments[0]),
        v_(step.moments[1]),
        new_m_(step.new_moments[0]),
        new_v_(step.new_moments[1]) {}

  struct Moments {
    C first;
    C second;
  };

  // Moves those of element i, whose gradient is g, and returns them.
  [[gnu::always_inline]] inline Moments Move(int64_t i, C g) const {
    const C first = m_[i] + rest1_ * (g - m_[i]);
    const C second = beta2_ * v_[i] + rest2_ * (g * g);
    new_m_[i] = first;
    new_v_[i] = second;
    return {first, second};
  }

 private:
  C rest1_;
  C beta2_;
  C rest2_;
  const C* m_;
  const C* v_;
  C* new_m_;
  C* new_v_;
};

}  // namespace strop
