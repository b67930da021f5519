#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ops/recurrent/recurrent.h"

namespace strop::gru {

inline constexpr int64_t kGates = 3;
inline constexpr int64_t kBiases = 6;
inline constexpr size_t kOnnxOutputs = 2;

enum Output : size_t { kY, kLastHidden, kSavedGates, kSavedRecurrent };

// Inputs of GRUGradient behind those of GRU.
enum GradientInput : size_t {
  kHiddenSequence = 6,
  kGateValues,
  kRecurrentValues,
  kYGradient,
  kLastHiddenGradient,
};

// The attributes and shapes of one GRU or GRUGradient.
struct GruPlan {
  RecurrentShape shape;
  std::vector<CellActivation> activations;  // f, g of each direction
  bool linear_before_reset = false;
  std::string label;

  static absl::StatusOr<GruPlan> Of(const KernelRequest& request);
};

// GRUGradient: (inputs of GRU, Y, gates, recurrent, dY, dY_h) → (dX, dW, dR, dB, dinitial_h).
absl::StatusOr<std::unique_ptr<Kernel>> GruGradientKernel(const KernelRequest& request);

}  // namespace strop::gru
