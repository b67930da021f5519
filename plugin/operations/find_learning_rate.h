#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "plugin/operations/operation.h"
#include "plugin/options/train_arguments.h"
#include "plugin/training/exploration/range_test.h"

namespace strop {

inline constexpr OperationTitle kFindLearningRate = {
    "find-learning-rate", "Try growing learning rates on a model and suggest one"};

struct FindLearningRateOptions {
  TrainOptions train;
  RangeTestOptions test;
  std::string mode = "exponential";
  std::string page;  // .html; empty: none
};

void AddFindLearningRateOptions(OptionSet& set, FindLearningRateOptions& options);

struct RangeTestFinding {
  RangeTestCurve curve;
  bool has_diverged = false;  // its end is where the loss exploded
  // FailedPrecondition when the loss falls at no rate.
  absl::Status verdict;
};

// Cancelled when `should_stop`, which may be null, says so.
absl::StatusOr<RangeTestFinding> FindLearningRate(const FindLearningRateOptions& options,
                                                  const std::function<bool()>& should_stop);

nlohmann::ordered_json ToJson(const RangeTestFinding& finding);

Operation FindLearningRateOperation();

}  // namespace strop
