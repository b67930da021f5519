#include "plugin/options/schedule_options.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "plugin/options/model_options.h"
#include "plugin/options/outcome.h"

namespace strop {
namespace {

using Kind = ScheduleKind;

// An option of some schedules.
struct ScheduleOption {
  const char* name;
  bool is_typed;
  std::vector<Kind> kinds;
};

std::vector<ScheduleOption> OptionTable(const ScheduleArguments& typed) {
  return {
      {"--gamma", typed.gamma.has_value(), {Kind::kStep, Kind::kMultiStep, Kind::kExponential}},
      {"--step-size", typed.step_size.has_value(), {Kind::kStep}},
      {"--milestones", !typed.milestones.empty(), {Kind::kMultiStep}},
      {"--minimum-learning-rate",
       typed.minimum_learning_rate.has_value(),
       {Kind::kCosine, Kind::kCosineRestarts, Kind::kPolynomial, Kind::kReduceOnPlateau}},
      {"--restart-period", typed.restart_period.has_value(), {Kind::kCosineRestarts}},
      {"--restart-multiplier", typed.restart_multiplier.has_value(), {Kind::kCosineRestarts}},
      {"--power", typed.power.has_value(), {Kind::kPolynomial}},
      {"--start-factor", typed.start_factor.has_value(), {Kind::kLinear}},
      {"--end-factor", typed.end_factor.has_value(), {Kind::kLinear}},
      {"--pct-start", typed.pct_start.has_value(), {Kind::kOneCycle}},
      {"--div-factor", typed.div_factor.has_value(), {Kind::kOneCycle}},
      {"--final-div-factor", typed.final_div_factor.has_value(), {Kind::kOneCycle}},
      {"--anneal-strategy", typed.anneal_strategy.has_value(), {Kind::kOneCycle}},
      {"--factor", typed.factor.has_value(), {Kind::kReduceOnPlateau}},
      {"--patience", typed.patience.has_value(), {Kind::kReduceOnPlateau}},
      {"--threshold", typed.threshold.has_value(), {Kind::kReduceOnPlateau}},
      {"--cooldown", typed.cooldown.has_value(), {Kind::kReduceOnPlateau}},
  };
}

absl::Status Needs(bool is_there, const ScheduleArguments& typed, const char* option) {
  if (is_there) return absl::OkStatus();
  return UsageError(absl::StrCat("--schedule ", typed.schedule, " needs ", option));
}

absl::Status CheckWhatWasTyped(const ScheduleArguments& typed, Kind kind) {
  for (const ScheduleOption& option : OptionTable(typed)) {
    const bool belongs =
        std::find(option.kinds.begin(), option.kinds.end(), kind) != option.kinds.end();
    if (!option.is_typed || belongs) continue;
    return UsageError(absl::StrCat(option.name, " is no option of --schedule ", typed.schedule));
  }
  if (typed.warmup_steps > 0 && typed.warmup_ratio > 0) {
    return UsageError("--warmup-steps and --warmup-ratio exclude each other");
  }
  if (kind == Kind::kStep) return Needs(typed.step_size.has_value(), typed, "--step-size");
  if (kind == Kind::kMultiStep) return Needs(!typed.milestones.empty(), typed, "--milestones");
  if (kind == Kind::kExponential) return Needs(typed.gamma.has_value(), typed, "--gamma");
  if (kind == Kind::kCosineRestarts) {
    return Needs(typed.restart_period.has_value(), typed, "--restart-period");
  }
  return absl::OkStatus();
}

}  // namespace

void AddScheduleOptions(CLI::App& app, ScheduleArguments& arguments) {
  const std::string group = "Learning rate schedule";
  app.add_option("--schedule", arguments.schedule,
                 "How the learning rate moves; PyTorch's meaning of each, spanning the run")
      ->check(OneOf({"constant", "step", "multi_step", "exponential", "cosine", "cosine_restarts",
                     "polynomial", "linear", "one_cycle", "reduce_on_plateau"}))
      ->capture_default_str()
      ->group(group);
  app.add_option("--schedule-unit", arguments.unit,
                 "What the schedule counts; by default epochs for step, multi_step, exponential "
                 "and reduce_on_plateau, steps for the others")
      ->check(OneOf({"step", "epoch"}))
      ->group(group);
  app.add_option("--warmup-steps", arguments.warmup_steps,
                 "Steps in which the rate rises from 0 to where the schedule begins")
      ->check(CLI::NonNegativeNumber)
      ->group(group);
  app.add_option("--warmup-ratio", arguments.warmup_ratio, "The same as a share of all steps")
      ->check(CLI::Range(0.0, 1.0))
      ->group(group);
  app.add_option("--step-size", arguments.step_size, "step: epochs between decays")
      ->check(CLI::PositiveNumber)
      ->group(group);
  AddListOption(app, "--milestones", arguments.milestones,
                "multi_step: epochs of the decays, 30,60,80")
      ->check(CLI::NonNegativeNumber)
      ->group(group);
  app.add_option("--gamma", arguments.gamma,
                 "step, multi_step (0.1), exponential: factor of a decay")
      ->check(CLI::NonNegativeNumber)
      ->group(group);
  app.add_option("--minimum-learning-rate,--eta-min", arguments.minimum_learning_rate,
                 "cosine, cosine_restarts, polynomial, reduce_on_plateau: where it ends (0)")
      ->check(CLI::NonNegativeNumber)
      ->group(group);
  app.add_option("--restart-period", arguments.restart_period,
                 "cosine_restarts: length of the first period")
      ->check(CLI::PositiveNumber)
      ->group(group);
  app.add_option("--restart-multiplier", arguments.restart_multiplier,
                 "cosine_restarts: each period to the one before (1)")
      ->check(CLI::PositiveNumber)
      ->group(group);
  app.add_option("--power", arguments.power, "polynomial (1)")
      ->check(CLI::NonNegativeNumber)
      ->group(group);
  app.add_option("--start-factor", arguments.start_factor, "linear: of the learning rate (1)")
      ->group(group);
  app.add_option("--end-factor", arguments.end_factor, "linear: of the learning rate (0)")
      ->group(group);
  app.add_option("--pct-start", arguments.pct_start, "one_cycle: share of the rise (0.3)")
      ->check(CLI::Range(0.0, 1.0))
      ->group(group);
  app.add_option("--div-factor", arguments.div_factor, "one_cycle: top to first rate (25)")
      ->check(CLI::PositiveNumber)
      ->group(group);
  app.add_option("--final-div-factor", arguments.final_div_factor,
                 "one_cycle: first to last rate (1e4)")
      ->check(CLI::PositiveNumber)
      ->group(group);
  app.add_option("--anneal-strategy", arguments.anneal_strategy, "one_cycle (cos)")
      ->check(OneOf({"cos", "linear"}))
      ->group(group);
  app.add_option("--factor", arguments.factor, "reduce_on_plateau: factor of a reduction (0.1)")
      ->group(group);
  app.add_option(
         "--patience", arguments.patience,
         "reduce_on_plateau: epochs without a better validation loss that are let pass (10)")
      ->check(CLI::NonNegativeNumber)
      ->group(group);
  app.add_option("--threshold", arguments.threshold,
                 "reduce_on_plateau: better is lower by more than this share (1e-4)")
      ->check(CLI::NonNegativeNumber)
      ->group(group);
  app.add_option("--cooldown", arguments.cooldown,
                 "reduce_on_plateau: epochs after a reduction that do not count (0)")
      ->check(CLI::NonNegativeNumber)
      ->group(group);
}

absl::StatusOr<ScheduleOptions> ScheduleOptionsOf(const ScheduleArguments& typed) {
  ScheduleOptions options;
  STROP_ASSIGN_OR_RETURN(options.kind, ScheduleKindOf(typed.schedule));
  STROP_RETURN_IF_ERROR(CheckWhatWasTyped(typed, options.kind));
  if (typed.unit) {
    options.unit = *typed.unit == "step" ? ScheduleUnit::kStep : ScheduleUnit::kEpoch;
  }
  options.gamma = typed.gamma.value_or(options.gamma);
  options.step_size = typed.step_size.value_or(options.step_size);
  options.milestones = typed.milestones;
  options.minimum_learning_rate = typed.minimum_learning_rate.value_or(0);
  options.restart_period = typed.restart_period.value_or(options.restart_period);
  options.restart_multiplier = typed.restart_multiplier.value_or(options.restart_multiplier);
  options.power = typed.power.value_or(options.power);
  options.start_factor = typed.start_factor.value_or(options.start_factor);
  options.end_factor = typed.end_factor.value_or(options.end_factor);
  options.pct_start = typed.pct_start.value_or(options.pct_start);
  options.div_factor = typed.div_factor.value_or(options.div_factor);
  options.final_div_factor = typed.final_div_factor.value_or(options.final_div_factor);
  options.anneals_linearly = typed.anneal_strategy == "linear";
  options.plateau.factor = typed.factor.value_or(options.plateau.factor);
  options.plateau.patience = typed.patience.value_or(options.plateau.patience);
  options.plateau.threshold = typed.threshold.value_or(options.plateau.threshold);
  options.plateau.cooldown = typed.cooldown.value_or(options.plateau.cooldown);
  options.warmup_steps = typed.warmup_steps;
  options.warmup_ratio = typed.warmup_ratio;
  const absl::Status status = CheckScheduleOptions(options);
  if (!status.ok()) return UsageError(std::string(status.message()));
  return options;
}

}  // namespace strop
