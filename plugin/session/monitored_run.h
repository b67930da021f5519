#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "graph/graph.h"
#include "plugin/data/data_source.h"
#include "plugin/monitor/training_monitor.h"
#include "plugin/options/listener.h"
#include "plugin/options/monitor_options.h"
#include "plugin/options/train_arguments.h"
#include "plugin/training/run/run_report.h"

namespace strop {

// What a run records of itself at its start. Gather it before training takes the data over.
struct RunDescription {
  std::map<std::string, std::string> environment;  // versions, processor, threads
  Hyperparameters hyperparameters;
  ModelGraph graph;
  std::optional<PngImage> samples;  // of image data
};
absl::StatusOr<RunDescription> DescribeRun(const TrainOptions& options,
                                           const TrainingOptions& training, const Graph& model,
                                           DataSource& data);

// The monitor of a run, which tells of findings, and warns of files that cannot be written any more.
// Without `directory` nothing is recorded. `health` is the run's own.
absl::StatusOr<std::unique_ptr<TrainingMonitor>> BeginMonitoring(
    const MonitorArguments& arguments, const std::string& directory,
    const std::optional<ResumePoint>& resume, RunDescription description, HealthState& health,
    const Listener& listener, std::function<void(const HealthFinding&)> on_finding);

// Ends the records with what became of the run. DataLoss or ResourceExhausted when they have gaps;
// the run itself is worth no less.
// `diverged` says that its numbers went bad.
absl::Status FinishMonitoring(TrainingMonitor& monitor, const absl::StatusOr<TrainingResult>& run,
                              const absl::Status& diverged, bool is_exported);

}  // namespace strop
