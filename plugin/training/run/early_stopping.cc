#include "plugin/training/run/early_stopping.h"

#include <limits>

#include "graph/status_macros.h"

namespace strop {

EarlyStopping::EarlyStopping(const TrainingOptions& options)
    : patience_(options.early_stopping_patience),
      min_delta_(options.min_delta),
      restores_best_(RestoresBest(options)) {}

absl::StatusOr<bool> EarlyStopping::See(double validation_loss, int64_t epoch,
                                        const std::vector<std::string>& names,
                                        const StateStore& store, RunState& state) const {
  const double bound = state.best_loss.has_value() ? *state.best_loss - min_delta_
                                                   : std::numeric_limits<double>::infinity();
  if (!(validation_loss < bound)) return false;
  state.best_loss = validation_loss;
  state.best_epoch = epoch;
  if (!restores_best_) return true;
  for (const std::string& name : names) {
    STROP_ASSIGN_OR_RETURN(state.best_weights[name], store.Read(name));
  }
  return true;
}

bool EarlyStopping::IsOver(const RunState& state) const {
  return patience_ > 0 && state.epochs - state.best_epoch.value_or(0) >= patience_;
}

absl::Status EarlyStopping::Restore(const RunState& state, StateStore& store) {
  for (const auto& [name, tensor] : state.best_weights) {
    STROP_RETURN_IF_ERROR(store.Write(name, tensor));
  }
  return absl::OkStatus();
}

}  // namespace strop
