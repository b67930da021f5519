#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "plugin/training/run/training_options.h"

namespace strop {

// The learning rate range test: Smith 2017, "Cyclical Learning Rates for Training Neural Networks".
// Names are PyTorch Lightning's, the range is that of fastai's lr_find.
struct RangeTestOptions {
  enum class Mode { kExponential, kLinear };
  double min_learning_rate = 1e-7;
  double max_learning_rate = 10;
  int64_t steps = 100;  // from the least rate to the greatest
  Mode mode = Mode::kExponential;
  // The test ends when the smoothed loss is so many times its best and above where it began.
  double early_stop_threshold = 4;
};

// InvalidArgument naming the option that makes no sense.
absl::Status CheckRangeTestOptions(const RangeTestOptions& options);

// `training` with the rates, the length and nothing of the rest of a run: no validation, no
// averages, no end by a loss that runs away.
TrainingOptions RangeTestTraining(const RangeTestOptions& options, TrainingOptions training);

struct RangeTestPoint {
  double learning_rate = 0;
  double loss = 0;           // of the batch, before the step
  double baseline_loss = 0;  // of the same batch in the model as it was
  double smoothed_loss = 0;  // see RangeTestCurve
};

// A rate to train with, found in three ways. fastai's names; the descent goes from a tenth of the
// whole fall to the minimum.
struct RangeTestSuggestions {
  double steep = 0;    // where the loss falls fastest in the descent
  double valley = 0;   // the middle of the descent
  double minimum = 0;  // a tenth of the rate at the minimum

  // fastai's default. `steep`, which Lightning takes, can be so near to where the loss blows up
  // that a whole training suffers; see tests/bench/learning_rates.py.
  double suggestion() const { return valley; }
};

// The losses of steps whose rates grow. How far a batch's loss is from that of the same batch in
// the model as it was shows what the steps did, and nothing of how hard the batch is: as long as
// the rate is too low to matter the difference is 0 whatever the noise. The smoothed loss is the
// mean of the baseline and the difference, fitted locally, rises cut off where they are as large
// as the fall.
class RangeTestCurve {
 public:
  // Both losses of each step, in order.
  RangeTestCurve(const std::vector<double>& learning_rates, const std::vector<double>& losses,
                 const std::vector<double>& baseline_losses);

  const std::vector<RangeTestPoint>& points() const { return points_; }
  double baseline() const { return baseline_; }  // mean loss of the model as it was
  double lowest() const;                         // of the smoothed losses
  // Absent where the loss falls nowhere by more than its noise.
  const std::optional<RangeTestSuggestions>& suggestions() const { return suggestions_; }
  // Whether a greater rate might be better than any that was tried.
  bool falls_to_the_end() const { return falls_to_the_end_; }

 private:
  std::vector<RangeTestPoint> points_;
  double baseline_ = 0;
  std::optional<RangeTestSuggestions> suggestions_;
  bool falls_to_the_end_ = false;
};

// Watches the losses while the rate grows, to end the test when there is no more to see.
class RangeTestWatch {
 public:
  explicit RangeTestWatch(const RangeTestOptions& options) : options_(options) {}

  // Adds the next step. A loss that is not finite ends the test and is left out.
  void Add(double learning_rate, double loss);

  bool has_diverged() const { return has_diverged_; }
  const std::vector<double>& learning_rates() const { return learning_rates_; }
  const std::vector<double>& losses() const { return losses_; }

 private:
  RangeTestOptions options_;
  std::vector<double> learning_rates_;
  std::vector<double> losses_;
  double average_ = 0;  // exponential, not yet corrected for its start
  double first_ = 0;
  double best_ = 0;
  bool has_diverged_ = false;
};

}  // namespace strop
