#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "plugin/options/table/option_set.h"
#include "plugin/training/optimization/schedule.h"

namespace strop {

// The schedule of the learning rate as typed. What was not typed keeps its default.
struct ScheduleArguments {
  std::string schedule = "constant";
  std::optional<std::string> unit;  // step, epoch
  std::optional<double> gamma;
  std::optional<int64_t> step_size;
  std::vector<int64_t> milestones;
  std::optional<double> minimum_learning_rate;
  std::optional<int64_t> restart_period;
  std::optional<int64_t> restart_multiplier;
  std::optional<double> power;
  std::optional<double> start_factor;
  std::optional<double> end_factor;
  std::optional<double> pct_start;
  std::optional<double> div_factor;
  std::optional<double> final_div_factor;
  std::optional<std::string> anneal_strategy;  // cos, linear
  std::optional<double> factor;
  std::optional<int64_t> patience;
  std::optional<double> threshold;
  std::optional<int64_t> cooldown;
  int64_t warmup_steps = 0;
  double warmup_ratio = 0;
};

void AddScheduleOptions(OptionSet& options, ScheduleArguments& arguments);

// A usage error where an option does not belong to the schedule, one is missing, or a value makes
// no sense.
absl::StatusOr<ScheduleOptions> ScheduleOptionsOf(const ScheduleArguments& arguments);

}  // namespace strop
