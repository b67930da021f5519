#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "plugin/data/arrays/npz.h"
#include "plugin/engine/runtime/state_store.h"
#include "plugin/training/run/fingerprint.h"
#include "plugin/training/run/run_state.h"

namespace strop {

// A run between two steps: everything that is needed to go on. Plain data.
struct Checkpoint {
  RunState state;
  std::vector<NamedTensor> store;  // every state: parameters, running statistics, moments
  Fingerprint fingerprint;         // of the run that it belongs to
  std::string best_file;           // name of the checkpoint with the best validation loss, or empty
};

// Copies of everything, so that the run may go on while they are written.
absl::StatusOr<Checkpoint> TakeCheckpoint(const RunState& state, const StateStore& store);

// Puts a checkpoint's states into the store. InvalidArgument when it holds others than the store.
absl::Status RestoreStore(const Checkpoint& checkpoint, StateStore& store);

// One safetensors file with the states as "state/NAME" and the best weights as "best/NAME"; the
// metadata hold the rest as JSON under "run", and first of all a hash of the whole file, its own
// digits taken as zeros: no flipped bit goes unnoticed. The file appears complete or not at all.
// Errors as of WriteSafetensors.
absl::Status WriteCheckpoint(const std::string& path, const Checkpoint& checkpoint);

// NotFound for a missing file; DataLoss for a damaged one or one of another version of Strop. The
// tensors lie in the mapped file.
absl::StatusOr<Checkpoint> ReadCheckpoint(const std::string& path);

// The same in memory. The tensors share `bytes`, which `owner` keeps alive; messages call it `name`.
absl::StatusOr<std::string> SerializeCheckpoint(const Checkpoint& checkpoint);
absl::StatusOr<Checkpoint> ParseCheckpoint(std::string_view bytes,
                                           std::shared_ptr<const void> owner,
                                           const std::string& name);

}  // namespace strop
