#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "graph/tensor.h"
#include "plugin/data/data_source.h"
#include "plugin/training/metrics/class_counts.h"
#include "plugin/training/metrics/class_rows.h"
#include "plugin/training/metrics/regression_watch.h"

namespace strop {

// A sample that the model gets wrong, or hardly right.
struct HardSample {
  int64_t sample = 0;  // index into the data
  int64_t label = 0;
  int64_t predicted = 0;
  double loss = 0;  // −Σ target · ln(probability), in double: without weights and smoothing
};

// What a model predicts over a whole data set, batch by batch: a confusion matrix, and the samples
// with the highest losses. Of classifications of one label a sample or, for the matrix, a position
// in it; of others it keeps nothing.
class PredictionWatch {
 public:
  static constexpr int64_t kMostClasses = 100;  // of a matrix
  static constexpr size_t kMostSamples = 16;
  static constexpr int64_t kMostLogits = int64_t{1} << 18;  // of a sample

  // Whether there is something to keep of a batch's predictions, and looking at them costs little
  // beside computing them. The same answer for every batch of a data set.
  static bool Watches(const ClassAxis& classes, int64_t logit_count, int64_t sample_count);

  void Reset();

  // The next batch, of `sample_count` samples.
  absl::Status Add(const ClassRows& rows, int64_t sample_count);

  // See ClassCounts; empty with more classes.
  const std::vector<std::vector<int64_t>>& confusion_matrix() const { return counts_.matrix(); }
  // By falling loss; of equal losses the first samples. Losses that are no numbers come first.
  const std::vector<HardSample>& hardest() const { return hardest_; }

 private:
  void Insert(const HardSample& sample);

  ClassCounts counts_;
  std::vector<HardSample> hardest_;
  int64_t sample_count_ = 0;
};

// What validation tells of a model's predictions.
struct PredictionReport {
  std::vector<std::string> class_names;                // where the data has names
  std::vector<std::vector<int64_t>> confusion_matrix;  // may be empty
  // Of an epoch with the best validation loss so far:
  RegressionPairs pairs;  // empty for a classification
  std::vector<HardSample> hardest;
  std::vector<DataField> fields;  // of the samples
  std::vector<Tensor> samples;    // the hardest, as the model is given them: one tensor a field
};

}  // namespace strop
