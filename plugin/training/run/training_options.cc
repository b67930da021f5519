#include "plugin/training/run/training_options.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"

namespace strop {
namespace {

absl::Status CheckAveraging(const TrainingOptions& options) {
  STROP_RETURN_IF_ERROR(CheckAveragingOptions(options.averaging));
  if (!options.averaging.swa_start) return absl::OkStatus();
  if (*options.averaging.swa_start > options.epochs) {
    return absl::InvalidArgumentError(
        absl::StrCat("train: swa-start is epoch ", *options.averaging.swa_start,
                     ", but the run has ", options.epochs, "; start earlier or train longer"));
  }
  if (options.early_stopping_patience > 0 ||
      options.schedule.kind == ScheduleKind::kReduceOnPlateau) {
    return absl::InvalidArgumentError(
        "train: stochastic weight averaging sets the rate and needs every epoch from its start on: "
        "leave out early stopping and reduce_on_plateau");
  }
  if (RestoresBest(options)) {
    return absl::InvalidArgumentError(
        "train: stochastic weight averaging ends with the average of epochs, not with the best of "
        "them; leave one of the two out");
  }
  return absl::OkStatus();
}

}  // namespace

bool RestoresBest(const TrainingOptions& options) {
  return options.restore_best.value_or(options.early_stopping_patience > 0);
}

absl::Status CheckTrainingOptions(const TrainingOptions& options, bool has_validation) {
  if (!(options.learning_rate >= 0) || !std::isfinite(options.learning_rate)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "train: learning rate is ", options.learning_rate, ", expected a number from 0 on"));
  }
  if (options.epochs < 0 || options.steps.value_or(0) < 0) {
    return absl::InvalidArgumentError("train: epochs and steps must be 0 or more");
  }
  if (options.batch_size < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("train: batch size is ", options.batch_size, ", expected at least 1"));
  }
  if (options.accumulation_steps < 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        "train: accumulation steps are ", options.accumulation_steps, ", expected at least 1"));
  }
  if (!(options.min_delta >= 0)) {
    return absl::InvalidArgumentError(
        absl::StrCat("train: min-delta is ", options.min_delta, ", expected a number from 0 on"));
  }
  if (options.divergence_factor != 0 && !(options.divergence_factor > 1)) {
    return absl::InvalidArgumentError(absl::StrCat("train: divergence factor is ",
                                                   options.divergence_factor,
                                                   ", expected a number above 1, or 0 for off"));
  }
  STROP_RETURN_IF_ERROR(CheckSharpnessOptions(options.graph.sharpness));
  STROP_RETURN_IF_ERROR(CheckScheduleOptions(options.schedule));
  STROP_RETURN_IF_ERROR(CheckAveraging(options));
  if (has_validation) return absl::OkStatus();
  if (options.schedule.kind == ScheduleKind::kReduceOnPlateau) {
    return absl::InvalidArgumentError(
        "train: reduce_on_plateau watches the validation loss; add --validation-split or "
        "--validation-data");
  }
  if (options.early_stopping_patience > 0) {
    return absl::InvalidArgumentError(
        "train: early stopping watches the validation loss; add --validation-split or "
        "--validation-data");
  }
  if (RestoresBest(options)) {
    return absl::InvalidArgumentError(
        "train: the best weights are those of the best validation loss; add --validation-split or "
        "--validation-data");
  }
  if (options.metrics.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "train: metrics are measured on validation data; add --validation-split or "
      "--validation-data");
}

}  // namespace strop
