#include "plugin/options/monitor_options.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "plugin/options/model_options.h"
#include "plugin/options/table/nearest_name.h"

namespace strop {
namespace {

constexpr int64_t kRecordEvery = 50;

// A name of one of the options, without dashes.
std::string NameProblem(const OptionSet& options, const std::string& text) {
  const std::vector<std::string> names = options.Names();
  if (std::count(names.begin(), names.end(), text) > 0) return "";
  return absl::StrCat("no option --", text, DidYouMean(text, names));
}

}  // namespace

void AddMonitorOptions(OptionSet& options, MonitorArguments& arguments) {
  options.Add(
      "Monitoring",
      {{.name = "log-every",
        .target = &arguments.log_every,
        .unit = "steps",
        .range = kFromOne,
        .may_change_on_resume = true,
        .is_set_by_tuner = true,
        .comparison = Comparison::kNever,
        .help = "Steps between lines about a step, and between records of a run directory (50; the "
                "first steps more often)"},
       {.name = "monitor",
        .target = &arguments.monitor,
        .is_set_by_tuner = true,
        .comparison = Comparison::kNever,
        .help = "Measure gradients and activations and say what is unhealthy; by default with "
                "--run-directory"},
       {.name = "no-monitor",
        .target = &arguments.no_monitor,
        .excludes = {"monitor"},
        .is_set_by_tuner = true,
        .comparison = Comparison::kNever,
        .help = "Measure nothing but the loss"},
       {.name = "histogram-every",
        .target = &arguments.histogram_every,
        .unit = "steps",
        .range = kFromOne,
        .is_set_by_tuner = true,
        .comparison = Comparison::kNever,
        .help = "Steps between histograms; by default one at the end of an epoch"},
       {.name = "hyperparameters",
        .target = &arguments.hyperparameters,
        .value_name = "NAMES",
        .problem = [&options](const std::string& text) { return NameProblem(options, text); },
        .is_set_by_tuner = true,
        .comparison = Comparison::kNever,
        .help = "Options by which TensorBoard's HParams compares runs, NAME,NAME; by default those "
                "that are typed and those of the optimizer"}});
}

bool Monitors(const MonitorArguments& arguments, bool is_kept) {
  return arguments.monitor || (is_kept && !arguments.no_monitor);
}

LogCadence RecordCadence(const MonitorArguments& arguments) {
  return {arguments.log_every.value_or(kRecordEvery),
          /*is_dense_at_first=*/!arguments.log_every.has_value()};
}

MeasurementOptions MeasurementOptionsOf(const MonitorArguments& arguments, bool is_kept) {
  MeasurementOptions options;
  if (!Monitors(arguments, is_kept)) return options;
  options.log = RecordCadence(arguments);
  options.histogram_every = arguments.histogram_every;
  return options;
}

}  // namespace strop
