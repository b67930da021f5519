#include "plugin/training/run/features/scheduled_rate.h"

#include "plugin/training/optimization/schedule.h"

namespace strop {
namespace {

class ScheduledRate : public TrainingFeature {
 public:
  explicit ScheduledRate(const RunParts& parts)
      : schedule_(parts.options.schedule, parts.options.learning_rate, parts.length.steps_of_run(),
                  parts.length.steps_per_epoch()),
        state_(parts.state) {}

  double LearningRate(int64_t step, const RateOfStep& /*before*/) const override {
    return schedule_.At(step, state_.plateau);
  }

  absl::Status Validated(double loss, EpochReport& /*report*/) override {
    schedule_.Observe(loss, state_.plateau);
    return absl::OkStatus();
  }

 private:
  const Schedule schedule_;
  RunState& state_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<TrainingFeature>> MakeScheduledRate(const RunParts& parts) {
  return std::make_unique<ScheduledRate>(parts);
}

}  // namespace strop
