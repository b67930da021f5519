#include "plugin/training/metrics/regression_errors.h"

#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"

namespace strop {

absl::Status RegressionErrors::Add(const Tensor& prediction, const Tensor& target,
                                   absl::Span<const double> sample_weights) {
  STROP_ASSIGN_OR_RETURN(const std::vector<double> predictions, NumericElements(prediction));
  STROP_ASSIGN_OR_RETURN(const std::vector<double> targets, NumericElements(target));
  const int64_t samples = prediction.shape().empty() ? 1 : prediction.shape()[0];
  if (samples == 0) return absl::OkStatus();
  const size_t width = predictions.size() / static_cast<size_t>(samples);
  if (outputs_.empty()) outputs_.resize(width);
  if (outputs_.size() != width) {
    return absl::InvalidArgumentError(absl::StrCat("evaluate: found ", width,
                                                   " outputs a sample, expected ", outputs_.size(),
                                                   " as in the batches before"));
  }
  const size_t rows_a_sample =
      sample_weights.empty() ? 1 : static_cast<size_t>(samples) / sample_weights.size();
  for (size_t i = 0; i < predictions.size(); ++i) {
    Output& output = outputs_[i % width];
    const double weight = sample_weights.empty() ? 1 : sample_weights[i / width / rows_a_sample];
    if (weight == 0) continue;
    const double error = predictions[i] - targets[i];
    output.absolute += weight * std::abs(error);
    output.squared += weight * error * error;
    output.weight += weight;
    const double from_mean = targets[i] - output.mean;
    output.mean += weight * from_mean / output.weight;
    output.deviation += weight * from_mean * (targets[i] - output.mean);
  }
  count_ += samples;
  return absl::OkStatus();
}

double RegressionErrors::MeanAbsoluteError() const {
  double sum = 0;
  for (const Output& output : outputs_) sum += output.absolute / output.weight;
  return sum / static_cast<double>(outputs_.size());
}

double RegressionErrors::RootMeanSquaredError() const {
  double sum = 0;
  for (const Output& output : outputs_) sum += std::sqrt(output.squared / output.weight);
  return sum / static_cast<double>(outputs_.size());
}

double RegressionErrors::R2() const {
  if (count_ < 2) return std::numeric_limits<double>::quiet_NaN();
  double sum = 0;
  for (const Output& output : outputs_) {
    if (output.deviation != 0) {
      sum += 1 - output.squared / output.deviation;
    } else if (output.squared == 0) {
      sum += 1;
    }
  }
  return sum / static_cast<double>(outputs_.size());
}

}  // namespace strop
