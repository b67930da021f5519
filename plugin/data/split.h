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

// `count` samples of `source` chosen by the seed, in the order of the data; all of them when it has
// no more.
std::unique_ptr<DataSource> RandomSubset(std::shared_ptr<DataSource> source, int64_t count,
                                         uint64_t seed);

}  // namespace strop
