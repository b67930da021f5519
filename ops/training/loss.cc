// The losses of ops/training/elementwise_loss.h. l is the loss of an element; g is the gradient of
// the whole, divided by the count for a mean.
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

#include "ops/core/family.h"
#include "ops/training/elementwise_loss.h"

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

// ---- Definitions

constexpr Differentiability kYes = Differentiability::kDifferentiable;
constexpr Differentiability kNotYet = Differentiability::kNotImplemented;

}  // namespace

const RegisteredFamily kLoss = {
    "loss",
    {
        ElementwiseLoss<SquaredError>("MSELoss", CheckReduction, kYes, 2),
        ElementwiseLossGradient<SquaredError>("MSELossGradient", CheckReduction, 3),
        ElementwiseLoss<AbsoluteError>("L1Loss", CheckReduction, kYes, 2),
        ElementwiseLossGradient<AbsoluteError>("L1LossGradient", CheckReduction, 3),
        ElementwiseLoss<Huber>("HuberLoss", CheckThreshold, kYes, 2),
        ElementwiseLossGradient<Huber>("HuberLossGradient", CheckThreshold, 3),
        ElementwiseLoss<SmoothAbsoluteError>("SmoothL1Loss", CheckThreshold, kYes, 2),
        ElementwiseLossGradient<SmoothAbsoluteError>("SmoothL1LossGradient", CheckThreshold, 3),
        ElementwiseLoss<BinaryCrossEntropyWithLogits>("BinaryCrossEntropyWithLogitsLoss",
                                                      CheckReduction, kNotYet, 3),
        ElementwiseLossGradient<BinaryCrossEntropyWithLogits>(
            "BinaryCrossEntropyWithLogitsLossGradient", CheckReduction, 4),
    }};

}  // namespace strop
