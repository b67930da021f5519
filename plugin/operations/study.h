#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "plugin/operations/operation.h"
#include "plugin/options/data_options.h"
#include "plugin/options/loss_options.h"
#include "plugin/options/model_options.h"
#include "plugin/study/study.h"

namespace strop {

inline constexpr OperationTitle kStudy = {
    "study", "Measure what textbooks say about training, here, on real data"};

struct StudyOptions {
  std::string name;  // of a study, or all
  ModelOptions model;
  DataArguments data;
  LossArguments loss;
  int64_t seeds = 3;   // repetitions of every training
  std::string output;  // .html; empty: none
};

void AddStudyOptions(OptionSet& set, StudyOptions& options);

struct StudyRun {
  const Study* study = nullptr;  // of AllStudies
  StudyResult result;
  double seconds = 0;
};

// Each may be empty.
struct StudyCallbacks {
  std::function<void(const StudyRun&)> on_study;  // has ended
  std::function<bool()> should_stop;
};

// Cancelled when `should_stop` says so. The listener is told how many trainings there were.
absl::StatusOr<std::vector<StudyRun>> RunStudies(const StudyOptions& options,
                                                 const StudyCallbacks& callbacks);

nlohmann::ordered_json ToJson(const StudyRun& run);

Operation StudyOperation();

}  // namespace strop
