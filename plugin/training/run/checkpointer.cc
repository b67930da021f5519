#include "plugin/training/run/checkpointer.h"

#include "graph/status_macros.h"

namespace strop {

Checkpointer::Checkpointer(const RunFolder& folder, const RunState& state, const StateStore& store,
                           const CheckpointPolicy& policy, Fingerprint fingerprint,
                           std::string best_file)
    : state_(state),
      store_(store),
      policy_(policy),
      fingerprint_(std::move(fingerprint)),
      best_file_(std::move(best_file)),
      writer_(folder, policy.keep) {}

absl::Status Checkpointer::OnStep() {
  const std::chrono::duration<double> elapsed = Clock::now() - last_;
  const bool is_due = (policy_.steps > 0 && state_.steps % policy_.steps == 0) ||
                      (policy_.seconds > 0 && elapsed.count() >= policy_.seconds);
  return is_due ? Begin() : absl::OkStatus();
}

absl::Status Checkpointer::OnEpoch(bool is_best) {
  if (is_best) best_file_ = RunFolder::CheckpointName(state_.steps);
  return Begin();
}

absl::StatusOr<std::string> Checkpointer::Save() {
  writer_.Finish().IgnoreError();  // what became of older ones does not matter now
  STROP_RETURN_IF_ERROR(Begin());
  STROP_RETURN_IF_ERROR(writer_.Finish());
  return RunFolder::CheckpointName(state_.steps);
}

absl::Status Checkpointer::Begin() {
  before_save_();
  STROP_ASSIGN_OR_RETURN(Checkpoint checkpoint, TakeCheckpoint(state_, store_));
  checkpoint.fingerprint = fingerprint_;
  checkpoint.best_file = best_file_;
  last_ = Clock::now();
  return writer_.Write(std::move(checkpoint));
}

}  // namespace strop
