#include "plugin/report/run_summary.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "plugin/monitor/tags.h"

namespace strop {
namespace {

std::optional<double> LastOf(const std::vector<double>* values) {
  if (values == nullptr || values->empty() || std::isnan(values->back())) return std::nullopt;
  return values->back();
}

const std::vector<double>* ValuesOf(const RunRecords& run, std::string_view tag) {
  const Curve* curve = run.FindCurve(tag);
  return curve == nullptr ? nullptr : &curve->values;
}

std::optional<double> MedianOf(const std::vector<double>* values) {
  if (values == nullptr) return std::nullopt;
  std::vector<double> finite;
  for (const double value : *values) {
    if (std::isfinite(value)) finite.push_back(value);
  }
  if (finite.empty()) return std::nullopt;
  const auto middle = finite.begin() + static_cast<std::ptrdiff_t>(finite.size() / 2);
  std::nth_element(finite.begin(), middle, finite.end());
  return *middle;
}

std::optional<double> GreatestOf(const std::vector<double>* values) {
  if (values == nullptr || values->empty()) return std::nullopt;
  return *std::max_element(values->begin(), values->end());
}

}  // namespace

std::string RunName(const RunRecords& run) {
  const std::filesystem::path path = std::filesystem::absolute(run.folder).lexically_normal();
  return (path.has_filename() ? path : path.parent_path()).filename().string();
}

RunSummary Summarize(const RunRecords& run) {
  RunSummary summary;
  summary.status = run.end ? kRunStatusWords[static_cast<size_t>(run.end->status)] : "unfinished";
  if (run.end) {
    summary.message = run.end->message;
    summary.weights = run.end->weights;
    summary.weights_epoch = run.end->weights_epoch;
  }
  summary.steps = run.step_count;
  summary.epochs = run.epoch_count;
  summary.seconds = run.seconds;
  const std::optional<size_t> best = run.BestEpoch();
  if (best) {
    summary.best_epoch = run.epochs.epochs[*best];
    summary.best_validation_loss = (*run.epochs.Find(kValidationLossTag))[*best];
  }
  summary.last_train_loss = LastOf(run.epochs.Find(kEpochLossTag));
  if (!summary.last_train_loss) summary.last_train_loss = LastOf(ValuesOf(run, kTrainLossTag));
  summary.last_validation_loss = LastOf(run.epochs.Find(kValidationLossTag));
  for (const auto& [tag, values] : run.epochs.columns) {
    if (!IsMetricTag(tag)) continue;
    const double value = best ? values[*best] : values.back();
    summary.metrics[tag.substr(kValidationTag.size())] = value;
  }
  summary.samples_per_second = MedianOf(ValuesOf(run, kThroughputTag));
  summary.step_seconds = MedianOf(ValuesOf(run, kStepSecondsTag));
  summary.peak_memory_mib = GreatestOf(ValuesOf(run, kPeakMemoryTag));
  return summary;
}

std::string StatusText(const RunSummary& summary) {
  if (summary.status == "unfinished") {
    return absl::StrCat("Not finished: after ", summary.steps, " steps it goes on, or was killed.");
  }
  std::string text = summary.status == "failed"              ? "Failed"
                     : summary.status == "stopped_early"     ? "Stopped early"
                     : summary.status == "stopped_by_signal" ? "Stopped by a signal"
                                                             : "Finished";
  if (!summary.message.empty()) {
    absl::StrAppend(&text, summary.status == "failed" ? ": " : " ", summary.message);
  }
  return text;
}

std::string WeightsText(const RunSummary& summary) {
  if (summary.weights == "averaged") return "The exported weights are averages over the run.";
  if (!summary.weights_epoch) return "";
  const std::string text =
      absl::StrCat("The exported weights are those of epoch ", *summary.weights_epoch);
  if (summary.weights == "best") {
    return absl::StrCat(text, ", which has the best validation loss.");
  }
  const bool is_best = !summary.best_epoch || *summary.best_epoch == *summary.weights_epoch;
  return absl::StrCat(
      text, ", the last",
      is_best ? "." : absl::StrCat("; epoch ", *summary.best_epoch, " validates better."));
}

std::string AmountText(double amount) {
  if (!(std::abs(amount) >= 1000 && std::abs(amount) < 1e15))
    return absl::StrFormat("%.4g", amount);
  const double unit = std::pow(10.0, std::floor(std::log10(std::abs(amount))) - 3);
  std::string text = absl::StrFormat("%.0f", std::round(amount / unit) * unit);
  for (auto i = static_cast<std::ptrdiff_t>(text.size()) - 3; i > (amount < 0 ? 1 : 0); i -= 3) {
    text.insert(static_cast<size_t>(i), ",");
  }
  return text;
}

std::string DurationText(double seconds) {
  if (seconds < 60) return absl::StrFormat("%.3g s", seconds);
  const auto whole = static_cast<int64_t>(seconds + 0.5);
  if (whole < 3600) return absl::StrCat(whole / 60, " min ", whole % 60, " s");
  return absl::StrCat(whole / 3600, " h ", whole / 60 % 60, " min");
}

}  // namespace strop
