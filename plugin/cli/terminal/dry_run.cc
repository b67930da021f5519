#include "plugin/cli/terminal/dry_run.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "graph/status_macros.h"
#include "plugin/cli/terminal/progress_bar.h"

namespace strop {
namespace {

using Clock = std::chrono::steady_clock;

struct DryRun {
  int64_t trained_tensors = 0;
  int64_t trained_parameters = 0;
  int64_t all_parameters = 0;
  int64_t steps_per_epoch = 0;
  int64_t steps = 0;
  size_t parameter_bytes = 0;
  size_t optimizer_bytes = 0;
  size_t arena_bytes = 0;
  double first_step_seconds = 0;
  double step_seconds = 0;  // median of the others
};

std::string BytesName(size_t bytes) {
  const char* const units[] = {"B", "KB", "MB", "GB", "TB"};
  double number = static_cast<double>(bytes);
  size_t unit = 0;
  for (; number >= 1024 && unit < 4; ++unit) number /= 1024;
  return absl::StrFormat(unit == 0 ? "%.0f %s" : "%.1f %s", number, units[unit]);
}

std::string DurationName(double seconds) {
  if (seconds < 1) return absl::StrFormat("%.2f ms", seconds * 1e3);
  if (seconds < 120) return absl::StrFormat("%.1f s", seconds);
  if (seconds < 7200) return absl::StrFormat("%.1f minutes", seconds / 60);
  return absl::StrFormat("%.1f hours", seconds / 3600);
}

absl::Status MeasureStates(const ImportedModel& model, const Trainer& trainer, DryRun& dry) {
  for (const Parameter& parameter : model.parameters) {
    const TensorType& type = model.graph.type(parameter.value);
    if (type.shape && parameter.role != Parameter::Role::kStatistics) {
      dry.all_parameters += ElementCount(*type.shape);
    }
  }
  const std::set<std::string> trained(trainer.trained().begin(), trainer.trained().end());
  dry.trained_tensors = static_cast<int64_t>(trained.size());
  std::set<std::string> of_the_model;
  for (const Parameter& parameter : model.parameters) {
    of_the_model.insert(model.graph.value(parameter.value).name);
  }
  for (const std::string& name : trainer.store()->Names()) {
    STROP_ASSIGN_OR_RETURN(const Tensor tensor, trainer.store()->Read(name));
    if (trained.contains(name)) dry.trained_parameters += tensor.element_count();
    (of_the_model.contains(name) ? dry.parameter_bytes : dry.optimizer_bytes) += tensor.bytes();
  }
  return absl::OkStatus();
}

absl::Status MeasureSteps(Trainer& trainer, DryRun& dry) {
  constexpr size_t kSteps = 6;
  std::vector<double> seconds;
  Clock::time_point start = Clock::now();
  TrainingCallbacks callbacks;
  callbacks.on_step = [&](const StepReport&) {
    const Clock::time_point now = Clock::now();
    seconds.push_back(std::chrono::duration<double>(now - start).count());
    start = now;
  };
  callbacks.should_stop = [&] { return seconds.size() >= kSteps; };
  STROP_ASSIGN_OR_RETURN(const TrainingResult result, trainer.Run(callbacks));
  if (result.failure) return result.failure->status;
  dry.arena_bytes = trainer.arena_bytes();
  if (seconds.empty()) return absl::OkStatus();
  dry.first_step_seconds = seconds.front();
  if (seconds.size() > 1) seconds.erase(seconds.begin());
  std::sort(seconds.begin(), seconds.end());
  dry.step_seconds = seconds[seconds.size() / 2];
  return absl::OkStatus();
}

nlohmann::ordered_json UnreachedJson(absl::Span<const UnreachedTensor> unreached) {
  auto rows = nlohmann::ordered_json::array();
  for (const UnreachedTensor& tensor : unreached) {
    rows.push_back({{"name", tensor.name}, {"reason", tensor.reason}});
  }
  return rows;
}

nlohmann::ordered_json OptionsJson(const std::vector<ResolvedOption>& options) {
  auto values = nlohmann::ordered_json::object();
  for (const ResolvedOption& option : options) {
    values[option.name] = absl::StrJoin(option.values, ",");
  }
  return values;
}

// What decides how the run trains: given, or what every run is compared by.
std::string OptionsText(const std::vector<ResolvedOption>& options) {
  std::vector<std::string> parts = {"options"};
  for (const ResolvedOption& option : options) {
    const Comparison comparison = option.option->comparison;
    const bool is_always = comparison == Comparison::kAlways || comparison == Comparison::kMain;
    const bool is_chosen = comparison == Comparison::kIfGiven && option.option->is_given();
    if (!is_always && !is_chosen) continue;
    parts.push_back(absl::StrCat(option.name, " ", absl::StrJoin(option.values, ",")));
  }
  return WrappedLine(parts, TerminalColumns()) + "\n";
}

void PrintJson(const DryRun& dry, const std::vector<ResolvedOption>& options,
               absl::Span<const UnreachedTensor> unreached) {
  const nlohmann::ordered_json page = {{"options", OptionsJson(options)},
                                       {"trained_tensors", dry.trained_tensors},
                                       {"trained_parameters", dry.trained_parameters},
                                       {"parameters", dry.all_parameters},
                                       {"unreached", UnreachedJson(unreached)},
                                       {"steps_per_epoch", dry.steps_per_epoch},
                                       {"steps", dry.steps},
                                       {"parameter_bytes", dry.parameter_bytes},
                                       {"optimizer_bytes", dry.optimizer_bytes},
                                       {"arena_bytes", dry.arena_bytes},
                                       {"first_step_s", dry.first_step_seconds},
                                       {"step_ms", dry.step_seconds * 1e3}};
  std::printf("%s\n", page.dump().c_str());
}

void PrintText(const DryRun& dry, const std::vector<ResolvedOption>& options) {
  const double percent = 100.0 * static_cast<double>(dry.trained_parameters) /
                         static_cast<double>(std::max<int64_t>(dry.all_parameters, 1));
  const std::string lines = absl::StrCat(
      OptionsText(options),
      absl::StrFormat("trains   %d parameters in %d tensors, %.4g %% of the model's %d\n",
                      dry.trained_parameters, dry.trained_tensors, percent, dry.all_parameters),
      absl::StrFormat("steps    %d, %d an epoch\n", dry.steps, dry.steps_per_epoch),
      absl::StrFormat("memory   parameters %s, optimizer %s, activations and gradients %s\n",
                      BytesName(dry.parameter_bytes), BytesName(dry.optimizer_bytes),
                      BytesName(dry.arena_bytes)),
      absl::StrFormat("time     %s a step, the first %s; %s for all steps, without validation\n",
                      DurationName(dry.step_seconds), DurationName(dry.first_step_seconds),
                      DurationName(dry.step_seconds * static_cast<double>(dry.steps))));
  std::printf("%snothing was written\n", lines.c_str());
}

}  // namespace

absl::Status PrintDryRun(const ImportedModel& model, const std::vector<ResolvedOption>& options,
                         Trainer& trainer, bool as_json) {
  DryRun dry;
  dry.steps_per_epoch = trainer.steps_per_epoch();
  dry.steps = trainer.steps_of_run();
  STROP_RETURN_IF_ERROR(MeasureStates(model, trainer, dry));
  STROP_RETURN_IF_ERROR(MeasureSteps(trainer, dry));
  if (as_json) {
    PrintJson(dry, options, trainer.unreached());
  } else {
    PrintText(dry, options);
  }
  return absl::OkStatus();
}

}  // namespace strop
