#include "plugin/training/run/features/exponential_average.h"

#include <utility>

#include "graph/status_macros.h"
#include "plugin/training/optimization/averaging.h"

namespace strop {
namespace {

class ExponentialAverage : public TrainingFeature {
 public:
  ExponentialAverage(double decay, std::unique_ptr<AveragedStates> averages, const RunState& state)
      : decay_(decay), averages_(std::move(averages)), state_(state) {}

  absl::Status AfterUpdate() override {
    const bool is_first = state_.steps == 0;
    return averages_->Take(is_first ? 1 : 1 - decay_);
  }

  absl::Status BeforeValidation() override { return averages_->Swap(); }
  absl::Status AfterValidation() override { return averages_->Swap(); }

  absl::StatusOr<bool> ChooseWeights(TrainingResult& result) override {
    if (state_.steps == 0) return false;
    STROP_RETURN_IF_ERROR(averages_->Swap());
    result.weights = FinalWeights::kAveraged;
    return true;
  }

 private:
  const double decay_;
  const std::unique_ptr<AveragedStates> averages_;
  const RunState& state_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<TrainingFeature>> MakeExponentialAverage(const RunParts& parts) {
  const std::optional<double>& decay = parts.options.averaging.ema_decay;
  if (!decay) return nullptr;
  STROP_ASSIGN_OR_RETURN(std::unique_ptr<AveragedStates> averages,
                         AveragedStates::Create(parts.model.graph, parts.weights.trained,
                                                parts.store, parts.arena, parts.plan));
  return std::make_unique<ExponentialAverage>(*decay, std::move(averages), parts.state);
}

}  // namespace strop
