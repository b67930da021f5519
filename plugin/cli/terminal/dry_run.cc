#include "plugin/cli/terminal/dry_run.h"

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "plugin/cli/terminal/json_lines.h"
#include "plugin/cli/terminal/progress_bar.h"

namespace strop {
namespace {

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

void PrintText(const DryRun& dry) {
  const double percent = 100.0 * static_cast<double>(dry.trained_parameters) /
                         static_cast<double>(std::max<int64_t>(dry.all_parameters, 1));
  const std::string lines = absl::StrCat(
      OptionsText(dry.options),
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

void PrintDryRun(const DryRun& dry, bool as_json) {
  if (as_json) {
    PrintJsonLine(ToJson(dry));
  } else {
    PrintText(dry);
  }
}

}  // namespace strop
