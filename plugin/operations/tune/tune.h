#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "plugin/operations/operation.h"
#include "plugin/operations/tune/tune_options.h"
#include "plugin/operations/tune/tune_report.h"

namespace strop {

inline constexpr OperationTitle kTune = {
    "tune", "Train many times with other options, keep the best model"};

// Each may be empty.
struct TuneCallbacks {
  // A trial has ended; what to say of it, in parts.
  std::function<void(const std::vector<std::string>& parts)> on_trial;
  std::function<bool()> should_stop;
};

struct TuneOutcome {
  TuneReport report;       // of a dry run: what would be tried
  int64_t best_trial = 0;  // whose model is the output; 0: a dry run, which has none
};

// Trains many times with other options, each in a process of its own, and keeps the best model.
// Cancelled when `should_stop` says so.
absl::StatusOr<TuneOutcome> Tune(const TuneOptions& options, const TuneCallbacks& callbacks);

// An array, a trial each.
nlohmann::ordered_json ToJson(const TuneOutcome& outcome);

Operation TuneOperation();

}  // namespace strop
