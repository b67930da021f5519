#pragma once

#include <string_view>

namespace strop {

// Names of what a run records; README.md lists them with their meaning. Those that end in a slash
// are followed by a parameter's, node's or metric's name.
inline constexpr std::string_view kTrainLossTag = "train/loss";
inline constexpr std::string_view kEpochLossTag = "train/epoch_loss";
inline constexpr std::string_view kLearningRateTag = "train/learning_rate";
inline constexpr std::string_view kEpochLearningRateTag = "train/epoch_learning_rate";
inline constexpr std::string_view kGradientNormTag = "train/gradient_norm";
inline constexpr std::string_view kUpdateRatioTag = "train/update_ratio";
inline constexpr std::string_view kValidationTag = "validation/";
inline constexpr std::string_view kValidationLossTag = "validation/loss";
inline constexpr std::string_view kConfusionMatrixTag = "validation/confusion_matrix";
inline constexpr std::string_view kWorstExamplesTag = "validation/worst_examples";
inline constexpr std::string_view kRegressionTag = "validation/predicted_against_true";
inline constexpr std::string_view kTimeTag = "time/";
inline constexpr std::string_view kEpochSecondsTag = "time/epoch_seconds";
inline constexpr std::string_view kValidationSecondsTag = "time/validation_seconds";
inline constexpr std::string_view kThroughputTag = "throughput/samples_per_second";
inline constexpr std::string_view kStepSecondsTag = "throughput/step_seconds";
inline constexpr std::string_view kResidentMemoryTag = "memory/resident_mib";
inline constexpr std::string_view kPeakMemoryTag = "memory/peak_mib";
inline constexpr std::string_view kSamplesTag = "data/samples";
inline constexpr std::string_view kCommandTag = "command";

// Scalars of a parameter or node.
inline constexpr std::string_view kGradientNormOf = "gradient_norm/";
inline constexpr std::string_view kGradientRmsOf = "gradient_rms/";
inline constexpr std::string_view kWeightNormOf = "weight_norm/";
inline constexpr std::string_view kUpdateRatioOf = "update_ratio/";
inline constexpr std::string_view kActivationMeanOf = "activation_mean/";
inline constexpr std::string_view kActivationDeviationOf = "activation_deviation/";
inline constexpr std::string_view kActivationZerosOf = "activation_zeros/";
inline constexpr std::string_view kDeadUnitsOf = "activation_dead_units/";
inline constexpr std::string_view kSaturatedOf = "activation_saturated/";
inline constexpr std::string_view kLayerTags[] = {
    kGradientNormOf,        kGradientRmsOf,     kWeightNormOf, kUpdateRatioOf, kActivationMeanOf,
    kActivationDeviationOf, kActivationZerosOf, kDeadUnitsOf,  kSaturatedOf};

// Histograms of a parameter or node.
inline constexpr std::string_view kWeightsOf = "weights/";
inline constexpr std::string_view kGradientsOf = "gradients/";
inline constexpr std::string_view kActivationsOf = "activations/";

// Whether a scalar is recorded when an epoch ends, and only then.
inline bool IsEpochTag(std::string_view tag) {
  return tag == kEpochLossTag || tag == kEpochLearningRateTag || tag.starts_with(kValidationTag) ||
         tag.starts_with(kTimeTag);
}

// Whether an epoch's number is a metric of the validation data.
inline bool IsMetricTag(std::string_view tag) {
  return tag.starts_with(kValidationTag) && tag != kValidationLossTag;
}

}  // namespace strop
