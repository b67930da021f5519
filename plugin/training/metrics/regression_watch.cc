#include "plugin/training/metrics/regression_watch.h"

#include <algorithm>

#include "graph/status_macros.h"

namespace strop {
namespace {

template <typename T>
void LeaveEverySecond(std::vector<T>& all) {
  size_t kept = 0;
  for (size_t i = 0; i < all.size(); i += 2) all[kept++] = all[i];
  all.resize(kept);
}

// At most `most` of the elements of a sample, from the first to the last.
std::vector<int64_t> ChosenOutputs(int64_t width, int64_t most) {
  std::vector<int64_t> chosen;
  const int64_t count = std::min(width, most);
  for (int64_t i = 0; i < count; ++i) {
    chosen.push_back(width <= most ? i : i * (width - 1) / (most - 1));
  }
  return chosen;
}

}  // namespace

absl::Status RegressionWatch::Add(const Tensor& prediction, const Tensor& target,
                                  int64_t sample_count) {
  const int64_t elements = prediction.element_count();
  const bool is_watched = sample_count > 0 && elements == target.element_count() &&
                          elements % sample_count == 0 && elements <= sample_count * kMostElements;
  if (!is_watched) return absl::OkStatus();
  const int64_t width = elements / sample_count;
  if (seen_ == 0) {
    pairs_.outputs = ChosenOutputs(width, kMostOutputs);
    pairs_.truths.resize(pairs_.outputs.size());
    pairs_.predicted.resize(pairs_.outputs.size());
  }
  if (pairs_.outputs.empty() || pairs_.outputs.back() >= width) return absl::OkStatus();
  STROP_ASSIGN_OR_RETURN(const std::vector<double> predictions, NumericElements(prediction));
  STROP_ASSIGN_OR_RETURN(const std::vector<double> targets, NumericElements(target));
  for (int64_t sample = 0; sample < sample_count; ++sample, ++seen_) {
    if (seen_ % stride_ != 0) continue;
    if (pairs_.samples.size() == kMostSamples) {
      Halve();
      if (seen_ % stride_ != 0) continue;
    }
    pairs_.samples.push_back(seen_);
    for (size_t i = 0; i < pairs_.outputs.size(); ++i) {
      const auto element = static_cast<size_t>(sample * width + pairs_.outputs[i]);
      pairs_.truths[i].push_back(targets[element]);
      pairs_.predicted[i].push_back(predictions[element]);
    }
  }
  return absl::OkStatus();
}

void RegressionWatch::Halve() {
  LeaveEverySecond(pairs_.samples);
  for (auto* all : {&pairs_.truths, &pairs_.predicted}) {
    for (std::vector<double>& numbers : *all) LeaveEverySecond(numbers);
  }
  stride_ *= 2;
}

}  // namespace strop
