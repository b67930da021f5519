#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "plugin/options/table/option_set.h"
#include "plugin/training/graph/step_measurement.h"

namespace strop {

// What a run records and watches, as typed.
struct MonitorArguments {
  bool monitor = false;  // without either: when the run is kept in a folder
  bool no_monitor = false;
  std::optional<int64_t> log_every;  // absent: see RecordCadence; no lines about a step
  int64_t histogram_every = 0;       // 0: at epochs' ends
  // Options by which TensorBoard compares runs; empty: those that were typed, and what all have.
  std::vector<std::string> hyperparameters;
};

void AddMonitorOptions(OptionSet& options, MonitorArguments& arguments);

// Whether a run measures its tensors, which its health is seen from.
bool Monitors(const MonitorArguments& arguments, bool is_kept);

// The steps that are recorded.
LogCadence RecordCadence(const MonitorArguments& arguments);

MeasurementOptions MeasurementOptionsOf(const MonitorArguments& arguments, bool is_kept);

}  // namespace strop
