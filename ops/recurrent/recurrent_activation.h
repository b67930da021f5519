#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "graph/graph.h"

namespace strop {

// The activation functions that RNN, GRU and LSTM name in their attribute `activations`.
enum class CellFunction {
  kAffine,
  kElu,
  kHardSigmoid,
  kLeakyRelu,
  kRelu,
  kScaledTanh,
  kSigmoid,
  kSoftplus,
  kSoftsign,
  kTanh,
  kThresholdedRelu,
};

struct CellActivation {
  CellFunction function = CellFunction::kTanh;
  double alpha = 0;
  double beta = 0;
  double clip = std::numeric_limits<double>::infinity();  // bound on the argument's magnitude
};

// The activations of all directions, in ONNX's order; `defaults` are one direction's. Alphas and
// betas are handed out to the functions that take one, in order. InvalidArgument for an unknown
// name, a wrong count, or a slope that is not ≥ 0 where the derivative is told from the result's
// sign.
absl::StatusOr<std::vector<CellActivation>> ParseCellActivations(
    const Node& node, const std::vector<std::string>& defaults, size_t directions);

// y = activation(clip(x)) of one number.
template <typename T>
T ActivateOne(const CellActivation& activation, T x) {
  const T alpha = static_cast<T>(activation.alpha);
  const T beta = static_cast<T>(activation.beta);
  const T clip = static_cast<T>(activation.clip);
  x = x > clip ? clip : x < -clip ? -clip : x;
  switch (activation.function) {
    case CellFunction::kAffine:
      return alpha * x + beta;
    case CellFunction::kElu:
      return x > 0 ? x : alpha * std::expm1(x);
    case CellFunction::kHardSigmoid:
      return std::clamp(alpha * x + beta, T{0}, T{1});
    case CellFunction::kLeakyRelu:
      return x > 0 ? x : alpha * x;
    case CellFunction::kRelu:
      return x > 0 ? x : T{0};
    case CellFunction::kScaledTanh:
      return alpha * std::tanh(beta * x);
    case CellFunction::kSigmoid:
      return 1 / (1 + std::exp(-x));
    case CellFunction::kSoftplus:
      return std::max(x, T{0}) + std::log1p(std::exp(-std::abs(x)));
    case CellFunction::kSoftsign:
      return x / (1 + std::abs(x));
    case CellFunction::kTanh:
      return std::tanh(x);
    case CellFunction::kThresholdedRelu:
      return x > alpha ? x : T{0};
  }
  return x;
}

// The derivative by the result y, for a y that no clipping bounds.
template <typename T>
T SlopeWithoutClip(const CellActivation& activation, T y) {
  const T alpha = static_cast<T>(activation.alpha);
  const T beta = static_cast<T>(activation.beta);
  switch (activation.function) {
    case CellFunction::kAffine:
      return alpha;
    case CellFunction::kElu:
      return y > 0 ? T{1} : y + alpha;
    case CellFunction::kHardSigmoid:
      return y > 0 && y < 1 ? alpha : T{0};
    case CellFunction::kLeakyRelu:
      return y > 0 ? T{1} : alpha;
    case CellFunction::kRelu:
      return y > 0 ? T{1} : T{0};
    case CellFunction::kScaledTanh:
      return alpha == 0 ? T{0} : beta * (alpha - y * y / alpha);
    case CellFunction::kSigmoid:
      return y * (1 - y);
    case CellFunction::kSoftplus:
      return -std::expm1(-y);
    case CellFunction::kSoftsign:
      return (1 - std::abs(y)) * (1 - std::abs(y));
    case CellFunction::kTanh:
      return 1 - y * y;
    case CellFunction::kThresholdedRelu:
      return y != 0 ? T{1} : T{0};
  }
  return T{0};
}

// values[i] = activation(clip(values[i])).
template <typename T>
void Activate(const CellActivation& activation, T* values, int64_t count) {
  for (int64_t i = 0; i < count; ++i) values[i] = ActivateOne(activation, values[i]);
}
template <>
void Activate<float>(const CellActivation& activation, float* values, int64_t count);

// The derivative of a clipped activation by its result. All the functions are monotone, so that
// a result at the value of a bound says that the argument was clipped.
template <typename T>
class ActivationSlope {
 public:
  explicit ActivationSlope(const CellActivation& activation) : activation_(activation) {
    if (!std::isfinite(activation.clip)) return;
    is_clipped_ = true;
    // Rounded as Activate rounds in its vectors.
    T bounds[kVector];
    std::fill_n(bounds, kVector, static_cast<T>(activation.clip));
    Activate(activation, bounds, kVector);
    high_ = bounds[0];
    std::fill_n(bounds, kVector, static_cast<T>(-activation.clip));
    Activate(activation, bounds, kVector);
    low_ = bounds[0];
    if (low_ > high_) std::swap(low_, high_);
  }

  T operator()(T y) const {
    if (is_clipped_ && (y >= high_ || y <= low_)) return T{0};
    return SlopeWithoutClip(activation_, y);
  }

 private:
  static constexpr int64_t kVector = 64;

  CellActivation activation_;
  bool is_clipped_ = false;
  T low_ = 0;
  T high_ = 0;
};

}  // namespace strop
