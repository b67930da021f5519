#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "plugin/monitor/health_monitor.h"
#include "plugin/monitor/record_writer.h"
#include "plugin/training/graph/step_measurement.h"
#include "plugin/training/run/run_report.h"

namespace strop {

struct MonitorOptions {
  std::string directory;  // where the records go; empty: nothing is recorded
  // Where the run keeps what the health monitor has seen of it; null: nothing watches its health.
  HealthState* health = nullptr;
  LogCadence log;  // of records of scalars; every measured step is recorded
  std::optional<ResumePoint> resume;
};

// Who is told what a run shows; called on the run's thread, but for `warn`, which the writing
// thread calls once for every file that cannot be written any more.
struct MonitorListeners {
  std::function<void(const HealthFinding&)> on_finding;
  std::function<void(const absl::Status&)> warn;
};

// Records a run and watches its health, from the reports that the trainer gives. Not thread-safe.
class TrainingMonitor {
 public:
  // Opens the files of the run's directory, which is made where it is missing. PermissionDenied
  // when one cannot be opened.
  static absl::StatusOr<std::unique_ptr<TrainingMonitor>> Create(const MonitorOptions& options,
                                                                 MonitorListeners listeners);

  // Anything that is not of a step or an epoch's end: the command, hyperparameters, images.
  void Add(RecordContent content);

  void OnStep(const StepReport& report);
  void OnEpoch(const EpochReport& report);

  // Waits until everything is with the operating system: before a checkpoint counts on it.
  void Flush();

  // The last record. Returns the first error of any file: the run is done, its records have gaps.
  absl::Status Finish(RunEnd end);

 private:
  using Clock = std::chrono::steady_clock;

  TrainingMonitor(const LogCadence& log, MonitorListeners listeners)
      : log_(log), listeners_(std::move(listeners)) {}

  void RecordLayers(const WatchedLayers& layers);
  void RecordStep(const StepReport& report);
  void RecordPredictions(const PredictionReport& predictions);
  void RecordHistograms(const StepStatistics& statistics);
  void Tell(std::vector<HealthFinding> findings);

  const LogCadence log_;
  MonitorListeners listeners_;
  std::unique_ptr<RecordWriter> writer_;  // null without a directory
  std::optional<HealthMonitor> health_;
  int64_t step_ = 0;
  int64_t epoch_ = 0;
  bool has_layers_ = false;

  // Since the last record, validation left out.
  Clock::time_point last_ = Clock::now();
  double seconds_ = 0;
  int64_t samples_ = 0;
  int64_t steps_ = 0;
};

}  // namespace strop
