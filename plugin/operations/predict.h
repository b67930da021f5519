#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "plugin/operations/operation.h"
#include "plugin/operations/prediction_writer.h"
#include "plugin/options/data_options.h"
#include "plugin/options/model_options.h"

namespace strop {

inline constexpr OperationTitle kPredict = {"predict",
                                            "Classes, labels or numbers of samples, one per line"};

struct PredictOptions {
  ModelOptions model = {.keeps_half_types = true};
  std::string checkpoint;
  DataArguments data;
  std::string loss;  // empty: as the last activation says
  std::string model_output;
  std::optional<int64_t> class_axis;
  std::optional<int64_t> top_k;
  std::optional<double> threshold;
  std::string format;  // csv, jsonl; empty: as the output's name says
  std::string output;  // empty: predictions go to who asked for them
};

void AddPredictOptions(OptionSet& set, PredictOptions& options);

// What a model says of each sample, by name: in their order to the output, a file that appears
// complete or not at all, or to `take`, whose error ends it. Gives the number of samples.
absl::StatusOr<int64_t> Predict(const PredictOptions& options,
                                const std::function<absl::Status(const Prediction&)>& take);

// The lines that the options ask for.
PredictionText PredictionTextOf(const PredictOptions& options);

Operation PredictOperation();

}  // namespace strop
