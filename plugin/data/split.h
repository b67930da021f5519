#pragma once

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "plugin/data/data_source.h"

namespace strop {

struct TrainingSplit {
  std::unique_ptr<DataSource> training;
  std::unique_ptr<DataSource> validation;
};

// Sets round(fraction · sample_count) samples aside, chosen by the seed; both parts keep the order
// of the data. InvalidArgument unless both parts get a sample.
absl::StatusOr<TrainingSplit> SplitForValidation(std::shared_ptr<DataSource> source,
                                                 double fraction, uint64_t seed);

}  // namespace strop
