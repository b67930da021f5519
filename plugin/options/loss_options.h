#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "plugin/options/table/option_set.h"
#include "plugin/training/graph/training_graph.h"

namespace strop {

// The loss as typed. What was not typed keeps the default of the kind.
struct LossArguments {
  std::string loss = "cross_entropy";
  std::string output;
  std::optional<int64_t> class_axis;
  std::vector<double> class_weights;
  std::optional<double> label_smoothing;
  std::optional<int64_t> ignore_index;
  std::optional<double> positive_weight;
  std::optional<double> huber_delta;
  std::shared_ptr<const HostLoss> host;  // the host program's own, in place of `loss`
};

// What `loss` says of a run on the host program's own loss: no command line takes it.
inline constexpr char kHostLossName[] = "host";

// What BatchNormalization and Dropout do while the model trains.
struct ModeArguments {
  std::string batch_norm;               // train, frozen; empty: as in the model
  std::string dropout;                  // on, off, a rate; empty: as in the model
  std::vector<std::string> dropout_at;  // patterns of nodes to insert it behind
  std::vector<std::string> unfreeze;    // EPOCH:PATTERN
  bool recompute_activations = false;
};

void AddLossOptions(OptionSet& options, LossArguments& arguments);
void AddModeOptions(OptionSet& options, ModeArguments& arguments);
void AddBatchNormOption(OptionSet& options, ModeArguments& arguments);  // of these, alone

// UsageError for weights that are none.
absl::StatusOr<LossOptions> LossOptionsOf(const LossArguments& arguments);
// A usage error for --dropout-at without a rate, and for an --unfreeze that cannot be read.
absl::Status ApplyModes(const ModeArguments& arguments, TrainingGraphOptions& options);

}  // namespace strop
