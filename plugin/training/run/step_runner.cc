#include "plugin/training/run/step_runner.h"

#include <cmath>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "plugin/engine/runtime/anomaly.h"

namespace strop {

absl::StatusOr<StepResult> StepRunner::Run(const StepPlace& place,
                                           absl::Span<const StepBatch> batches,
                                           const BatchGiver& give, LossHistory& losses) {
  StepResult step;
  SuppliedBatch batch;
  for (const StepPass& pass : graphs_.passes()) {
    for (const StepBatch& part : batches) {
      const bool is_first = &part == &batches.front();
      const bool is_last = &part == &batches.back();
      if (!pass.is_repeated || batches.size() > 1) {
        STROP_ASSIGN_OR_RETURN(batch, give(part));
      }
      if (!pass.is_repeated) step.weight += batch.weight;
      BatchRun run;
      run.variant =
          graphs_.VariantOf(is_last ? pass.of_last : pass.of_others, place.step, place.epoch);
      run.draw = place.first_batch + part.number;
      run.batch = batch.tensors;
      run.numbers.learning_rate = place.learning_rate;
      run.numbers.step = place.step;
      run.numbers.batch_share = part.share;
      run.numbers.keeps_gradients = !is_first;
      STROP_ASSIGN_OR_RETURN(BatchResult result,
                             graphs_.Run(run.variant, run.draw, run.batch, run.numbers));
      if (!pass.is_repeated) step.loss += result.loss * part.share;
      if (!std::isfinite(result.loss)) step.loss = result.loss;
      if (result.gradient_norm) step.gradient_norm = result.gradient_norm;
      if (result.statistics) step.statistics = std::move(result.statistics);
      const bool is_finite = std::isfinite(result.loss) && result.bad_gradient.empty() &&
                             std::isfinite(step.gradient_norm.value_or(0));
      const bool has_step_loss = is_last && !pass.is_repeated && step.weight > 0;
      if (is_finite && !(has_step_loss && RunsAway(step.loss, divergence_factor_, losses))) {
        continue;
      }
      Divergence divergence;
      divergence.step = place.step;
      divergence.epoch = place.epoch;
      divergence.loss = step.loss;
      divergence.learning_rate = place.learning_rate;
      STROP_ASSIGN_OR_RETURN(divergence.cause, CauseOf(step.loss, result, run));
      step.divergence = std::move(divergence);
      return step;
    }
  }
  return step;
}

absl::StatusOr<std::string> StepRunner::CauseOf(double step_loss, const BatchResult& result,
                                                const BatchRun& run) {
  const bool is_finite = std::isfinite(step_loss);
  absl::Status bad = result.anomaly;
  if (bad.ok() && !(is_finite && result.bad_gradient.empty())) {
    bad = graphs_.Diagnose(run.variant, run.draw, run.batch, run.numbers);
    if (!bad.ok() && !IsAnomaly(bad)) return bad;
  }
  // A bad loss leaves all weights alone, so that its numbers come again. Those of a bad gradient
  // may not, when updates ran before it was found: then the loss goes bad as it had not.
  const bool has_come_again = !bad.ok() && !(is_finite && SpoilsFirstOutput(bad));
  if (has_come_again) return std::string(bad.message());
  if (!result.bad_gradient.empty()) {
    return absl::StrCat(result.bad_gradient,
                        " is not finite (--detect-anomaly names the node that makes it so)");
  }
  return DescribeLargest(graphs_.trained(), store_);
}

}  // namespace strop
