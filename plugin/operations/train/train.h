#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "plugin/operations/operation.h"
#include "plugin/options/train_arguments.h"
#include "plugin/session/training_session.h"

namespace strop {

inline constexpr OperationTitle kTrain = {"train", "Fine-tune a model on data and export it"};

// What the options together make of the paths that they name.
void CompleteTrainPaths(const TrainOptions& options, std::vector<CommandPath>& paths);

// Cancelled for a run that was stopped, with what there is of it.
absl::Status StopOf(const SessionResult& result, const std::string& output);

// How other data are counted by the classes of a training which its file does not name; empty where
// there is nothing to say.
std::string ClassNamesNote(const TrainOptions& options, const ImportedModel& model,
                           const std::vector<std::string>& names);

// A TrainingSession with a result: {"steps": …, "epochs": [a line each], "output": …, "weights": …},
// of a dry run ToJson(DryRun). Its option json changes nothing, and dump adds what the stages leave.
Operation TrainOperation();

}  // namespace strop
