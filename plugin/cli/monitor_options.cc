#include "plugin/cli/monitor_options.h"

namespace strop {
namespace {

constexpr int64_t kRecordEvery = 50;

}  // namespace

void AddMonitorOptions(CLI::App& app, MonitorArguments& arguments) {
  const std::string group = "Monitoring";
  app.add_option("--log-every", arguments.log_every,
                 "Steps between lines about a step, and between records (50) of a run directory")
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
}

bool Monitors(const MonitorArguments& arguments, bool is_kept) {
  return arguments.monitor || (is_kept && !arguments.no_monitor);
}

int64_t RecordEvery(const MonitorArguments& arguments) {
  return arguments.log_every.value_or(kRecordEvery);
}

MeasurementOptions MeasurementOptionsOf(const MonitorArguments& arguments, bool is_kept) {
  MeasurementOptions options;
  if (!Monitors(arguments, is_kept)) return options;
  options.log_every = RecordEvery(arguments);
  options.histogram_every = arguments.histogram_every;
  return options;
}

}  // namespace strop
