#include "plugin/training/run/features/early_stopping.h"

#include <limits>
#include <string>

#include "graph/status_macros.h"

namespace strop {
namespace {

class EarlyStopping : public TrainingFeature {
 public:
  explicit EarlyStopping(const RunParts& parts)
      : patience_(parts.options.early_stopping_patience),
        min_delta_(parts.options.min_delta),
        restores_best_(RestoresBest(parts.options)),
        weights_(parts.weights),
        store_(*parts.store),
        state_(parts.state) {}

  absl::Status Validated(double loss, EpochReport& report) override {
    const double bound = state_.best_loss.has_value() ? *state_.best_loss - min_delta_
                                                      : std::numeric_limits<double>::infinity();
    if (!(loss < bound)) return absl::OkStatus();
    report.is_best = true;
    state_.best_loss = loss;
    state_.best_epoch = report.epoch;
    if (!restores_best_) return absl::OkStatus();
    for (const std::string& name : weights_.restored) {
      STROP_ASSIGN_OR_RETURN(state_.best_weights[name], store_.Read(name));
    }
    return absl::OkStatus();
  }

  bool IsOver() const override {
    return patience_ > 0 && state_.epochs - state_.best_epoch.value_or(0) >= patience_;
  }

  absl::StatusOr<bool> ChooseWeights(TrainingResult& result) override {
    result.best_epoch = state_.best_epoch;
    result.stopped_early = !result.was_stopped && IsOver();
    if (state_.best_weights.empty()) return false;
    for (const auto& [name, tensor] : state_.best_weights) {
      STROP_RETURN_IF_ERROR(store_.Write(name, tensor));
    }
    result.weights = FinalWeights::kBest;
    result.weights_epoch = state_.best_epoch;
    return true;
  }

 private:
  const int64_t patience_;  // 0: only looks
  const double min_delta_;
  const bool restores_best_;
  const RunWeights& weights_;
  StateStore& store_;
  RunState& state_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<TrainingFeature>> MakeEarlyStopping(const RunParts& parts) {
  return std::make_unique<EarlyStopping>(parts);
}

}  // namespace strop
