#include "plugin/training/run/features/stochastic_average.h"

#include <utility>

#include "graph/status_macros.h"
#include "plugin/training/optimization/averaging.h"
#include "plugin/training/optimization/statistics_pass.h"

namespace strop {
namespace {

class StochasticAverage : public TrainingFeature {
 public:
  StochasticAverage(const RunParts& parts, std::unique_ptr<AveragedStates> averages,
                    std::unique_ptr<StatisticsPass> statistics)
      : options_(parts.options.averaging),
        start_(*options_.swa_start),
        length_(parts.length),
        batches_(parts.batches),
        evaluator_(parts.evaluator),
        state_(parts.state),
        averages_(std::move(averages)),
        statistics_(std::move(statistics)) {}

  double LearningRate(int64_t step, const RateOfStep& before) const override {
    const int64_t epoch = step / length_.steps_per_epoch() + 1;
    if (epoch < start_) return before(step);
    const int64_t first_step = (start_ - 1) * length_.steps_per_epoch();
    return SwaLearningRate(options_, before(first_step), epoch - start_);
  }

  absl::Status AfterEpoch(bool /*is_last*/) override {
    if (state_.epochs < start_) return absl::OkStatus();
    return averages_->Take(1 / static_cast<double>(state_.epochs - start_ + 1));
  }

  absl::StatusOr<bool> ChooseWeights(TrainingResult& result) override {
    if (result.was_stopped || state_.epochs < start_) return false;
    result.weights = FinalWeights::kAveraged;
    STROP_RETURN_IF_ERROR(averages_->Swap());
    const int64_t epoch = state_.epochs + 1;
    STROP_RETURN_IF_ERROR(statistics_->Run(batches_.reader(), batches_.OrderOf(epoch),
                                           length_.batch_size(), batches_.KeyOf(epoch),
                                           state_.batches));
    if (evaluator_ == nullptr) return true;
    STROP_ASSIGN_OR_RETURN(EvaluationResult evaluation, evaluator_->Evaluate());
    result.averaged_validation_loss = evaluation.loss;
    result.averaged_metrics = std::move(evaluation.metrics);
    return true;
  }

 private:
  const AveragingOptions options_;
  const int64_t start_;  // epoch
  const RunLength& length_;
  BatchSupply& batches_;
  Evaluator* const evaluator_;  // null without validation data
  const RunState& state_;
  const std::unique_ptr<AveragedStates> averages_;
  const std::unique_ptr<StatisticsPass> statistics_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<TrainingFeature>> MakeStochasticAverage(const RunParts& parts) {
  if (!parts.options.averaging.swa_start) return nullptr;
  STROP_ASSIGN_OR_RETURN(std::unique_ptr<AveragedStates> averages,
                         AveragedStates::Create(parts.model.graph, parts.weights.trained,
                                                parts.store, parts.arena, parts.plan));
  STROP_ASSIGN_OR_RETURN(std::unique_ptr<StatisticsPass> statistics,
                         StatisticsPass::Create(parts.model, parts.options.graph, parts.store,
                                                parts.arena, parts.plan, parts.options.seed));
  return std::make_unique<StochasticAverage>(parts, std::move(averages), std::move(statistics));
}

}  // namespace strop
