#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ops/recurrent/recurrent.h"

namespace strop::lstm {

inline constexpr int64_t kGates = 4;
inline constexpr int64_t kBiases = 8;
inline constexpr size_t kOnnxOutputs = 3;

enum Output : size_t { kY, kLastHidden, kLastCell, kSavedGates, kSavedCells };

// Inputs of LSTMGradient behind those of LSTM.
enum GradientInput : size_t {
  kHiddenSequence = 8,
  kGateValues,
  kCellValues,
  kYGradient,
  kLastHiddenGradient,
  kLastCellGradient,
};

// The attributes and shapes of one LSTM or LSTMGradient.
struct LstmPlan {
  RecurrentShape shape;
  std::vector<CellActivation> activations;  // f, g, h of each direction
  bool input_forget = false;
  std::string label;

  static absl::StatusOr<LstmPlan> Of(const KernelRequest& request);
};

// LSTMGradient: (inputs of LSTM, Y, gates, cells, dY, dY_h, dY_c) →
// (dX, dW, dR, dB, dinitial_h, dinitial_c, dP).
absl::StatusOr<std::unique_ptr<Kernel>> LstmGradientKernel(const KernelRequest& request);

}  // namespace strop::lstm
