#include "plugin/training/optimization/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "graph/status_macros.h"

namespace strop {
namespace {

constexpr double kPi = std::numbers::pi;

// From `first` to `last` along half a cosine, `part` of the way.
double Cosine(double first, double last, double part) {
  return last + (first - last) * (1 + std::cos(kPi * part)) / 2;
}

// Where CosineAnnealingWarmRestarts is within its period: a number in [0, 1).
double PartOfPeriod(int64_t position, int64_t period, int64_t multiplier) {
  if (multiplier == 1) {
    return static_cast<double>(position % period) / static_cast<double>(period);
  }
  while (position >= period) {
    position -= period;
    period *= multiplier;
  }
  return static_cast<double>(position) / static_cast<double>(period);
}

absl::Status Expect(bool is_right, const char* option, double value, const char* expected) {
  if (is_right) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("train: ", option, " is ", value, ", expected ", expected));
}

bool IsFraction(double value) { return value >= 0 && value <= 1; }
bool IsNotNegative(double value) { return value >= 0 && std::isfinite(value); }

absl::Status CheckPlateau(const PlateauOptions& options) {
  STROP_RETURN_IF_ERROR(Expect(options.factor >= 0 && options.factor < 1, "factor", options.factor,
                               "a number in [0, 1)"));
  STROP_RETURN_IF_ERROR(Expect(options.patience >= 0, "patience",
                               static_cast<double>(options.patience), "a number from 0 on"));
  STROP_RETURN_IF_ERROR(
      Expect(IsFraction(options.threshold), "threshold", options.threshold, "a number in [0, 1]"));
  return Expect(options.cooldown >= 0, "cooldown", static_cast<double>(options.cooldown),
                "a number from 0 on");
}

absl::Status CheckMilestones(const std::vector<int64_t>& milestones) {
  for (const int64_t milestone : milestones) {
    STROP_RETURN_IF_ERROR(Expect(milestone >= 0, "a milestone", static_cast<double>(milestone),
                                 "a number from 0 on"));
  }
  return absl::OkStatus();
}

absl::Status CheckUnit(const ScheduleOptions& options) {
  if (!options.unit) return absl::OkStatus();
  if (options.kind == ScheduleKind::kOneCycle && *options.unit == ScheduleUnit::kEpoch) {
    return absl::InvalidArgumentError("train: one_cycle counts steps, not epochs");
  }
  if (options.kind == ScheduleKind::kReduceOnPlateau && *options.unit == ScheduleUnit::kStep) {
    return absl::InvalidArgumentError("train: reduce_on_plateau counts epochs, not steps");
  }
  return absl::OkStatus();
}

constexpr std::pair<std::string_view, ScheduleKind> kSchedules[] = {
    {"constant", ScheduleKind::kConstant},
    {"step", ScheduleKind::kStep},
    {"multi_step", ScheduleKind::kMultiStep},
    {"exponential", ScheduleKind::kExponential},
    {"cosine", ScheduleKind::kCosine},
    {"cosine_restarts", ScheduleKind::kCosineRestarts},
    {"polynomial", ScheduleKind::kPolynomial},
    {"linear", ScheduleKind::kLinear},
    {"one_cycle", ScheduleKind::kOneCycle},
    {"reduce_on_plateau", ScheduleKind::kReduceOnPlateau},
};

}  // namespace

std::vector<std::string> ScheduleNames() {
  std::vector<std::string> names;
  for (const auto& [name, kind] : kSchedules) names.emplace_back(name);
  return names;
}

absl::StatusOr<ScheduleKind> ScheduleKindOf(std::string_view name) {
  for (const auto& [known, kind] : kSchedules) {
    if (known == name) return kind;
  }
  return absl::InvalidArgumentError(absl::StrCat("train: unknown schedule \"", std::string(name),
                                                 "\", expected one of ",
                                                 absl::StrJoin(ScheduleNames(), ", ")));
}

ScheduleUnit DefaultUnit(ScheduleKind kind) {
  const bool counts_epochs = kind == ScheduleKind::kStep || kind == ScheduleKind::kMultiStep ||
                             kind == ScheduleKind::kExponential ||
                             kind == ScheduleKind::kReduceOnPlateau;
  return counts_epochs ? ScheduleUnit::kEpoch : ScheduleUnit::kStep;
}

absl::Status CheckScheduleOptions(const ScheduleOptions& options) {
  STROP_RETURN_IF_ERROR(CheckUnit(options));
  STROP_RETURN_IF_ERROR(
      Expect(IsNotNegative(options.gamma), "gamma", options.gamma, "a number from 0 on"));
  STROP_RETURN_IF_ERROR(Expect(options.step_size >= 1, "step size",
                               static_cast<double>(options.step_size), "at least 1"));
  STROP_RETURN_IF_ERROR(CheckMilestones(options.milestones));
  STROP_RETURN_IF_ERROR(Expect(IsNotNegative(options.minimum_learning_rate),
                               "minimum learning rate", options.minimum_learning_rate,
                               "a number from 0 on"));
  STROP_RETURN_IF_ERROR(Expect(options.restart_period >= 1, "restart period",
                               static_cast<double>(options.restart_period), "at least 1"));
  STROP_RETURN_IF_ERROR(Expect(options.restart_multiplier >= 1, "restart multiplier",
                               static_cast<double>(options.restart_multiplier), "at least 1"));
  STROP_RETURN_IF_ERROR(
      Expect(IsNotNegative(options.power), "power", options.power, "a number from 0 on"));
  STROP_RETURN_IF_ERROR(Expect(options.start_factor > 0 && options.start_factor <= 1,
                               "start factor", options.start_factor, "a number in (0, 1]"));
  STROP_RETURN_IF_ERROR(Expect(IsFraction(options.end_factor), "end factor", options.end_factor,
                               "a number in [0, 1]"));
  STROP_RETURN_IF_ERROR(
      Expect(IsFraction(options.pct_start), "pct-start", options.pct_start, "a number in [0, 1]"));
  STROP_RETURN_IF_ERROR(Expect(options.div_factor > 0 && std::isfinite(options.div_factor),
                               "div-factor", options.div_factor, "a positive number"));
  STROP_RETURN_IF_ERROR(
      Expect(options.final_div_factor > 0 && std::isfinite(options.final_div_factor),
             "final-div-factor", options.final_div_factor, "a positive number"));
  STROP_RETURN_IF_ERROR(CheckPlateau(options.plateau));
  STROP_RETURN_IF_ERROR(Expect(options.warmup_steps >= 0, "warmup-steps",
                               static_cast<double>(options.warmup_steps), "a number from 0 on"));
  return Expect(IsFraction(options.warmup_ratio), "warmup-ratio", options.warmup_ratio,
                "a number in [0, 1]");
}

Schedule::Schedule(const ScheduleOptions& options, double learning_rate, int64_t steps,
                   int64_t steps_per_epoch)
    : options_(options), learning_rate_(learning_rate), steps_per_epoch_(steps_per_epoch) {
  warmup_steps_ =
      options.warmup_steps > 0
          ? options.warmup_steps
          : static_cast<int64_t>(std::ceil(static_cast<double>(steps) * options.warmup_ratio));
  counts_epochs_ = options.unit.value_or(DefaultUnit(options.kind)) == ScheduleUnit::kEpoch;
  length_ =
      counts_epochs_ ? (steps + steps_per_epoch - 1) / steps_per_epoch : steps - warmup_steps_;
  length_ = std::max<int64_t>(length_, 1);
}

double Schedule::At(int64_t step, const PlateauState& plateau) const {
  const int64_t position =
      counts_epochs_ ? step / steps_per_epoch_ : std::max<int64_t>(step - warmup_steps_, 0);
  const double rate = Unwarmed(position, plateau);
  if (step >= warmup_steps_) return rate;
  return rate * static_cast<double>(step) / static_cast<double>(warmup_steps_);
}

double Schedule::Unwarmed(int64_t position, const PlateauState& plateau) const {
  const double minimum = options_.minimum_learning_rate;
  const double part =
      static_cast<double>(std::min(position, length_)) / static_cast<double>(length_);
  const auto decayed = [this](int64_t times) {
    return learning_rate_ * std::pow(options_.gamma, static_cast<double>(times));
  };
  switch (options_.kind) {
    case ScheduleKind::kConstant:
      return learning_rate_;
    case ScheduleKind::kStep:
      return decayed(position / options_.step_size);
    case ScheduleKind::kMultiStep:
      return decayed(std::count_if(options_.milestones.begin(), options_.milestones.end(),
                                   [&](int64_t milestone) { return milestone <= position; }));
    case ScheduleKind::kExponential:
      return decayed(position);
    case ScheduleKind::kCosine:
      return Cosine(learning_rate_, minimum, part);
    case ScheduleKind::kCosineRestarts:
      return Cosine(learning_rate_, minimum,
                    PartOfPeriod(position, options_.restart_period, options_.restart_multiplier));
    case ScheduleKind::kPolynomial:
      return minimum + (learning_rate_ - minimum) * std::pow(1 - part, options_.power);
    case ScheduleKind::kLinear:
      return learning_rate_ *
             (options_.start_factor + (options_.end_factor - options_.start_factor) * part);
    case ScheduleKind::kOneCycle:
      return OneCycle(position);
    case ScheduleKind::kReduceOnPlateau:
      return plateau.learning_rate.value_or(learning_rate_);
  }
  return learning_rate_;
}

// Up from η/div_factor to η in the first pct_start of the steps, then down to the first rate
// divided by final_div_factor.
double Schedule::OneCycle(int64_t position) const {
  const double first = learning_rate_ / options_.div_factor;
  const double last = first / options_.final_div_factor;
  const double peak = options_.pct_start * static_cast<double>(length_) - 1;
  const double end = static_cast<double>(length_ - 1);
  const double k = static_cast<double>(position);
  const auto anneal = [this](double from, double to, double part) {
    return options_.anneals_linearly ? from + (to - from) * part : Cosine(from, to, part);
  };
  if (k <= peak) return anneal(first, learning_rate_, peak > 0 ? k / peak : 1);
  return anneal(learning_rate_, last, end > peak ? (k - peak) / (end - peak) : 1);
}

void Schedule::Observe(double validation_loss, PlateauState& plateau) const {
  if (options_.kind != ScheduleKind::kReduceOnPlateau) return;
  const PlateauOptions& options = options_.plateau;
  if (validation_loss < plateau.best_loss * (1 - options.threshold)) {
    plateau.best_loss = validation_loss;
    plateau.bad_epochs = 0;
  } else {
    ++plateau.bad_epochs;
  }
  if (plateau.cooldown > 0) {
    --plateau.cooldown;
    plateau.bad_epochs = 0;
  }
  if (plateau.bad_epochs <= options.patience) return;
  constexpr double kSmallestChange = 1e-8;  // ReduceLROnPlateau's eps
  const double now = plateau.learning_rate.value_or(learning_rate_);
  const double reduced = std::max(now * options.factor, options_.minimum_learning_rate);
  if (now - reduced > kSmallestChange) plateau.learning_rate = reduced;
  plateau.cooldown = options.cooldown;
  plateau.bad_epochs = 0;
}

}  // namespace strop
