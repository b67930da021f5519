#pragma once

#include "plugin/monitor/record.h"
#include "plugin/training/metrics/prediction_watch.h"

namespace strop {

// What validation tells of predictions, as it is recorded. Classes without a name are called by
// their index.
ConfusionMatrix ConfusionMatrixOf(const PredictionReport& report);
// With pictures where the data holds images.
WorstExamples WorstExamplesOf(const PredictionReport& report);

}  // namespace strop
