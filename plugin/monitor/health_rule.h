#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace strop {

// When the health monitor speaks. A rule's finding is told once, after as many looks in a row as
// `patience` showed it. A look is a measured step that is not too near to the one before. The last
// three rules ask whole epochs, once there are `patience` of them.
struct HealthRule {
  std::string_view finding;
  double threshold;
  int64_t patience;
};

inline constexpr int64_t kStepsBetweenLooks = 10;  // neighbours see nearly the same weights

// Layers whose gradient's root mean square is below this share of the largest layer's. A chain of
// sigmoids multiplies gradients by at most 1/4 a layer (Hochreiter 1991; Glorot and Bengio 2010,
// figure 7); trained residual and normalized networks stay within about 1e-3. Nearer to the input
// than the other layers they vanish, nearer to the output the others explode (Pascanu, Mikolov and
// Bengio 2013).
inline constexpr HealthRule kVanishingRule = {"vanishing_gradients", 1e-5, 3};
inline constexpr HealthRule kExplodingRule = {"exploding_gradients", 1e-5, 3};
// The same at once where no noise explains it.
inline constexpr double kCertainRatio = 1e-10;

// The gradient's norm beyond this many times the median of the looks before: Pascanu, Mikolov and
// Bengio clip at five to ten times the average; a hundred is no noise.
inline constexpr HealthRule kGradientSpikeRule = {"gradient_spike", 100, 2};
inline constexpr size_t kSpikeHistory = 5;       // looks before it is asked
inline constexpr size_t kMostSpikeHistory = 64;  // looks that are remembered

// Share of a layer's units that are 0 for the whole batch. A healthy layer has few; a trained
// network may have pruned some (Lu, Shin, Su and Karniadakis 2019, "Dying ReLU and
// initialization").
inline constexpr HealthRule kDeadUnitsRule = {"dead_units", 0.5, 3};

// Share of a layer's sigmoids or tanhs whose slope is below a tenth of its maximum. Saturation of
// whole layers is what stalled the networks of Glorot and Bengio 2010, figures 2 and 3.
inline constexpr HealthRule kSaturatedRule = {"saturated_activations", 0.5, 3};

// ‖ΔW‖ / ‖W‖ of all parameters together. About 1e-3 is healthy (Karpathy, CS231n, "Ratio of
// weights:updates"); above a tenth ten steps replace the weights, below 1e-6 a million do.
inline constexpr HealthRule kRateTooHighRule = {"learning_rate_too_high", 0.1, 3};
inline constexpr HealthRule kRateTooLowRule = {"learning_rate_too_low", 1e-6, 3};
// A rate this far below its largest so far is low by schedule.
inline constexpr double kScheduledShare = 0.5;

// What epochs' losses say is said only where it stands out of their scatter (ScatterOf): by six
// standard errors. The best of many epochs is chance in part, which is why two are too few: by six
// fewer than one run in twenty of a hundred epochs of pure noise is said to overfit.
inline constexpr double kCertainErrors = 6;
inline constexpr double kLikelyErrors = 2;
inline constexpr size_t kSmoothedEpochs = 3;     // means of so many are compared
inline constexpr size_t kRememberedEpochs = 40;  // as the longest plateau takes

// The training loss is this many times the first epoch's: the run walks away.
inline constexpr HealthRule kRisingLossRule = {"learning_rate_too_high", 1.5, 6};

// The validation loss above its best by this share while the training loss is below what it was
// then: Prechelt's generalization loss of 5 % ("Early stopping – but when?", 1998).
inline constexpr HealthRule kOverfittingRule = {"overfitting", 0.05, 6};

// The training loss has improved by less than this share over five epochs;
// torch.optim.lr_scheduler.ReduceLROnPlateau waits ten epochs for 1e-4 of each. Means of five, ten
// or twenty epochs are compared: the more they scatter, the more it takes.
inline constexpr HealthRule kPlateauRule = {"plateau", 1e-3, 10};
inline constexpr size_t kPlateauEpochs = 5;
inline constexpr size_t kPlateauWindows[] = {5, 10, 20};
// A loss this small beside the first epoch's is not stuck, it is done.
inline constexpr double kDoneShare = 0.01;

}  // namespace strop
