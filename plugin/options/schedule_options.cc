#include "plugin/options/schedule_options.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "plugin/options/model_options.h"
#include "plugin/options/outcome.h"

namespace strop {
namespace {

using Kind = ScheduleKind;

absl::Status Needs(bool is_there, const ScheduleArguments& typed, const char* option) {
  if (is_there) return absl::OkStatus();
  return UsageError(absl::StrCat("--schedule ", typed.schedule, " needs ", option));
}

absl::Status CheckWhatIsNeeded(const ScheduleArguments& typed, Kind kind) {
  if (kind == Kind::kStep) return Needs(typed.step_size.has_value(), typed, "--step-size");
  if (kind == Kind::kMultiStep) return Needs(!typed.milestones.empty(), typed, "--milestones");
  if (kind == Kind::kExponential) return Needs(typed.gamma.has_value(), typed, "--gamma");
  if (kind == Kind::kCosineRestarts) {
    return Needs(typed.restart_period.has_value(), typed, "--restart-period");
  }
  return absl::OkStatus();
}

}  // namespace

void AddScheduleOptions(OptionSet& options, ScheduleArguments& arguments) {
  const auto of = [](std::vector<std::string> schedules) {
    return OptionSuits{"schedule", std::move(schedules)};
  };
  options.Add(
      "Learning rate schedule",
      {{.name = "schedule",
        .target = &arguments.schedule,
        .choices = ScheduleNames(),
        .has_default = true,
        .is_common = true,
        .comparison = Comparison::kAlways,
        .help = "How the learning rate moves; PyTorch's meaning of each, spanning the run"},
       {.name = "schedule-unit",
        .target = &arguments.unit,
        .choices = {"step", "epoch"},
        .help = "What the schedule counts; by default epochs for step, multi_step, exponential "
                "and reduce_on_plateau, steps for the others"},
       {.name = "warmup-steps",
        .target = &arguments.warmup_steps,
        .unit = "steps",
        .range = kFromZero,
        .excludes = {"warmup-ratio"},
        .help = "Steps in which the rate rises from 0 to where the schedule begins"},
       {.name = "warmup-ratio",
        .target = &arguments.warmup_ratio,
        .range = kShare,
        .help = "The same as a share of all steps"},
       {.name = "step-size",
        .target = &arguments.step_size,
        .unit = "epochs",
        .range = kFromOne,
        .suits = of({"step"}),
        .help = "epochs between decays"},
       {.name = "milestones",
        .target = &arguments.milestones,
        .unit = "epochs",
        .range = kFromZero,
        .suits = of({"multi_step"}),
        .help = "epochs of the decays, 30,60,80"},
       {.name = "gamma",
        .target = &arguments.gamma,
        .range = kFromZero,
        .suits = of({"step", "multi_step", "exponential"}),
        .help = "factor of a decay (0.1; exponential: required)"},
       {.name = "minimum-learning-rate",
        .aliases = {"eta-min"},
        .target = &arguments.minimum_learning_rate,
        .range = kFromZero,
        .suits = of({"cosine", "cosine_restarts", "polynomial", "reduce_on_plateau"}),
        .help = "where it ends (0)"},
       {.name = "restart-period",
        .target = &arguments.restart_period,
        .range = kFromOne,
        .suits = of({"cosine_restarts"}),
        .help = "length of the first period, in what --schedule-unit counts"},
       {.name = "restart-multiplier",
        .target = &arguments.restart_multiplier,
        .range = kFromOne,
        .suits = of({"cosine_restarts"}),
        .help = "each period to the one before (1)"},
       {.name = "power",
        .target = &arguments.power,
        .range = kFromZero,
        .suits = of({"polynomial"}),
        .help = "(1)"},
       {.name = "start-factor",
        .target = &arguments.start_factor,
        .suits = of({"linear"}),
        .help = "of the learning rate (1)"},
       {.name = "end-factor",
        .target = &arguments.end_factor,
        .suits = of({"linear"}),
        .help = "of the learning rate (0)"},
       {.name = "pct-start",
        .target = &arguments.pct_start,
        .range = kShare,
        .suits = of({"one_cycle"}),
        .help = "share of the rise (0.3)"},
       {.name = "div-factor",
        .target = &arguments.div_factor,
        .range = kAboveZero,
        .suits = of({"one_cycle"}),
        .help = "top to first rate (25)"},
       {.name = "final-div-factor",
        .target = &arguments.final_div_factor,
        .range = kAboveZero,
        .suits = of({"one_cycle"}),
        .help = "first to last rate (1e4)"},
       {.name = "anneal-strategy",
        .target = &arguments.anneal_strategy,
        .choices = {"cos", "linear"},
        .suits = of({"one_cycle"}),
        .help = "(cos)"},
       {.name = "factor",
        .target = &arguments.factor,
        .suits = of({"reduce_on_plateau"}),
        .help = "factor of a reduction (0.1)"},
       {.name = "patience",
        .target = &arguments.patience,
        .unit = "epochs",
        .range = kFromZero,
        .suits = of({"reduce_on_plateau"}),
        .help = "epochs without a better validation loss that are let pass (10)"},
       {.name = "threshold",
        .target = &arguments.threshold,
        .range = kFromZero,
        .suits = of({"reduce_on_plateau"}),
        .help = "better is lower by more than this share (1e-4)"},
       {.name = "cooldown",
        .target = &arguments.cooldown,
        .unit = "epochs",
        .range = kFromZero,
        .suits = of({"reduce_on_plateau"}),
        .help = "epochs after a reduction that do not count (0)"}});
}

absl::StatusOr<ScheduleOptions> ScheduleOptionsOf(const ScheduleArguments& typed) {
  ScheduleOptions options;
  STROP_ASSIGN_OR_RETURN(options.kind, ScheduleKindOf(typed.schedule));
  STROP_RETURN_IF_ERROR(CheckWhatIsNeeded(typed, options.kind));
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
