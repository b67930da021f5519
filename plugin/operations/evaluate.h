#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "plugin/operations/operation.h"
#include "plugin/options/data_options.h"
#include "plugin/options/loss_options.h"
#include "plugin/options/model_options.h"
#include "plugin/training/metrics/evaluate.h"

namespace strop {

inline constexpr OperationTitle kEvaluate = {"evaluate", "Loss and metrics of a model on data"};

struct EvaluateOptions {
  ModelOptions model = {.keeps_half_types = true};
  DataArguments data;
  LossArguments loss;
  std::vector<std::string> metrics;
  bool confusion_matrix = false;
  std::string checkpoint;
};

void AddEvaluateOptions(OptionSet& set, EvaluateOptions& options);

struct EvaluationOutcome {
  EvaluationResult result;
  std::vector<std::string> classes;  // names, of which the data may know none
};

// FailedPrecondition when the loss is no number.
absl::StatusOr<EvaluationOutcome> Evaluate(const EvaluateOptions& options);

nlohmann::ordered_json ToJson(const EvaluationOutcome& outcome);

Operation EvaluateOperation();

}  // namespace strop
