#include "plugin/options/monitor_options.h"

#include <CLI/Validators.hpp>
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "plugin/options/model_options.h"
#include "plugin/options/parser/nearest_name.h"

namespace strop {
namespace {

constexpr int64_t kRecordEvery = 50;

// Names of options, without their dashes. All of them are there when the first is checked.
CLI::Validator OptionsOf(const CLI::App& app) {
  return CLI::Validator(
      [&app](std::string& text) -> std::string {
        std::vector<std::string> names;
        for (const CLI::Option* option : app.get_options()) {
          for (const std::string& name : option->get_lnames()) names.push_back(name);
        }
        if (std::count(names.begin(), names.end(), text) > 0) return "";
        return absl::StrCat("no option --", text, DidYouMean(text, names));
      },
      "");
}

}  // namespace

void AddMonitorOptions(CLI::App& app, MonitorArguments& arguments) {
  const std::string group = "Monitoring";
  app.add_option(
         "--log-every", arguments.log_every,
         "Steps between lines about a step, and between records of a run directory (50; the "
         "first steps more often)")
      ->check(CLI::PositiveNumber)
      ->group(group);
  CLI::Option* monitor =
      app.add_flag("--monitor", arguments.monitor,
                   "Measure gradients and activations and say what is unhealthy; by default with "
                   "--run-directory")
          ->group(group);
  app.add_flag("--no-monitor", arguments.no_monitor, "Measure nothing but the loss")
      ->excludes(monitor)
      ->group(group);
  app.add_option("--histogram-every", arguments.histogram_every,
                 "Steps between histograms; by default one at the end of an epoch")
      ->check(CLI::PositiveNumber)
      ->group(group);
  AddListOption(app, "--hyperparameters", arguments.hyperparameters,
                "Options by which TensorBoard's HParams compares runs, NAME,NAME; by default those "
                "that are typed and those of the optimizer")
      ->type_name("NAMES")
      ->check(OptionsOf(app))
      ->group(group);
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
