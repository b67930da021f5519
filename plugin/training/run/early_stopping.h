#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "plugin/engine/runtime/state_store.h"
#include "plugin/training/run/run_state.h"
#include "plugin/training/run/training_options.h"

namespace strop {

// Keras' EarlyStopping on the validation loss: when a run ends before its epochs are over, and with
// which weights. Keeps all it remembers in the run's state.
class EarlyStopping {
 public:
  explicit EarlyStopping(const TrainingOptions& options);

  // True when this validation loss, of `epoch`, is the best so far, which is then remembered
  // together with the values of the states `names`.
  absl::StatusOr<bool> See(double validation_loss, int64_t epoch,
                           const std::vector<std::string>& names, const StateStore& store,
                           RunState& state) const;

  // After an epoch: whether patience has run out.
  bool IsOver(const RunState& state) const;

  // Puts the best epoch's weights into the store, where they were remembered.
  static absl::Status Restore(const RunState& state, StateStore& store);

 private:
  int64_t patience_ = 0;  // 0: only looks
  double min_delta_ = 0;
  bool restores_best_ = true;
};

}  // namespace strop
