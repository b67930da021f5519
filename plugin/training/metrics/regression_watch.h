#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "graph/tensor.h"

namespace strop {

// What a regression should say and says, of some samples and outputs.
struct RegressionPairs {
  std::vector<int64_t> outputs;                // which elements of a sample, from 0
  std::vector<int64_t> samples;                // indices into the data, ascending
  std::vector<std::vector<double>> truths;     // [outputs][samples]
  std::vector<std::vector<double>> predicted;  // the same
};

// Gathers pairs over a whole data set, batch by batch: of every sample or, of a larger set, of
// evenly spread ones; of all outputs, or of evenly spread ones where a sample has many.
class RegressionWatch {
 public:
  static constexpr size_t kMostSamples = 512;
  static constexpr int64_t kMostOutputs = 4;
  static constexpr int64_t kMostElements = int64_t{1} << 18;  // of a sample: others take too long

  void Reset() { *this = RegressionWatch(); }
  // The next batch, of `sample_count` samples.
  absl::Status Add(const Tensor& prediction, const Tensor& target, int64_t sample_count);

  const RegressionPairs& pairs() const { return pairs_; }

 private:
  void Halve();

  RegressionPairs pairs_;
  int64_t seen_ = 0;
  int64_t stride_ = 1;
};

}  // namespace strop
