#include "plugin/training/run/features/training_features.h"

#include <utility>

#include "graph/status_macros.h"
#include "plugin/training/run/features/early_stopping.h"
#include "plugin/training/run/features/exponential_average.h"
#include "plugin/training/run/features/finite_weights.h"
#include "plugin/training/run/features/good_weights.h"
#include "plugin/training/run/features/scheduled_rate.h"
#include "plugin/training/run/features/stochastic_average.h"

namespace strop {
namespace {

// Makes a feature of a run; null where its options leave it off.
using FeatureMaker = absl::StatusOr<std::unique_ptr<TrainingFeature>> (*)(const RunParts&);

constexpr FeatureMaker kFeatures[] = {
    MakeScheduledRate,  // the rate that others start from
    MakeEarlyStopping,  // the best weights win over averages at the end
    MakeExponentialAverage,
    MakeStochasticAverage,  // replaces the scheduled rate; averages what the epoch ended with
    MakeFiniteWeights,
    MakeGoodWeights,  // last: what the others made of an epoch is what to come back to
};

}  // namespace

absl::StatusOr<std::vector<std::unique_ptr<TrainingFeature>>> MakeTrainingFeatures(
    const RunParts& parts) {
  std::vector<std::unique_ptr<TrainingFeature>> features;
  for (const FeatureMaker make : kFeatures) {
    STROP_ASSIGN_OR_RETURN(std::unique_ptr<TrainingFeature> feature, make(parts));
    if (feature != nullptr) features.push_back(std::move(feature));
  }
  return features;
}

}  // namespace strop
