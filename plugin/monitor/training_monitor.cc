#include "plugin/monitor/training_monitor.h"

#include <cmath>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "plugin/monitor/histogram_record.h"
#include "plugin/monitor/json_lines_sink.h"
#include "plugin/monitor/prediction_record.h"
#include "plugin/monitor/process_memory.h"
#include "plugin/monitor/scalar_csv_sink.h"
#include "plugin/monitor/tags.h"
#include "plugin/monitor/tensorboard/tensorboard_sink.h"

namespace strop {
namespace {

double WallTime() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

class ScalarList {
 public:
  void Add(std::string_view tag, double value) { values_.emplace_back(std::string(tag), value); }
  void Add(std::string_view kind, const std::string& name, double value) {
    values_.emplace_back(absl::StrCat(std::string(kind), name), value);
  }
  TaggedNumbers Take() { return std::move(values_); }

 private:
  TaggedNumbers values_;
};

void AddParameters(const StepStatistics& statistics, ScalarList& scalars) {
  for (size_t i = 0; i < statistics.parameters.size(); ++i) {
    const std::string& name = statistics.layers->parameters[i].name;
    const StepStatistics::Parameter& parameter = statistics.parameters[i];
    scalars.Add(kGradientNormOf, name, parameter.gradient.norm());
    scalars.Add(kGradientRmsOf, name, parameter.gradient.root_mean_square());
    scalars.Add(kWeightNormOf, name, parameter.weight.norm());
    scalars.Add(kUpdateRatioOf, name, parameter.update_ratio());
  }
}

void AddActivations(const StepStatistics& statistics, ScalarList& scalars) {
  for (size_t i = 0; i < statistics.activations.size(); ++i) {
    const WatchedLayers::Activation& activation = statistics.layers->activations[i];
    const TensorMeasurement& measured = statistics.activations[i];
    const double count = std::max(measured.finite, 1.0);
    scalars.Add(kActivationMeanOf, activation.node, measured.mean());
    scalars.Add(kActivationDeviationOf, activation.node, measured.deviation());
    scalars.Add(kActivationZerosOf, activation.node, measured.zeros / count);
    if (activation.can_die) {
      scalars.Add(kDeadUnitsOf, activation.node,
                  measured.dead_units / std::max(measured.units, 1.0));
    }
    if (activation.can_saturate) {
      scalars.Add(kSaturatedOf, activation.node, measured.saturated / count);
    }
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<TrainingMonitor>> TrainingMonitor::Create(
    const MonitorOptions& options, MonitorListeners listeners) {
  std::unique_ptr<TrainingMonitor> monitor(new TrainingMonitor(options.log, std::move(listeners)));
  if (!options.directory.empty()) {
    std::error_code error;  // opening the files says what is wrong
    std::filesystem::create_directories(options.directory, error);
    std::vector<std::unique_ptr<RecordSink>> sinks(3);
    STROP_ASSIGN_OR_RETURN(sinks[0],
                           OpenJsonLines(options.directory + "/records.jsonl", options.resume));
    STROP_ASSIGN_OR_RETURN(sinks[1],
                           OpenScalarCsv(options.directory + "/scalars.csv", options.resume));
    STROP_ASSIGN_OR_RETURN(sinks[2], OpenTensorBoard(options.directory, options.resume));
    monitor->writer_ = std::make_unique<RecordWriter>(std::move(sinks), monitor->listeners_.warn);
  }
  if (options.health != nullptr) monitor->health_.emplace(*options.health);
  if (options.resume) {
    monitor->step_ = options.resume->step;
    monitor->epoch_ = options.resume->epochs;
    monitor->has_layers_ = true;
    monitor->Add(RunResume());
  }
  return monitor;
}

void TrainingMonitor::Add(RecordContent content) {
  if (writer_ == nullptr) return;
  writer_->Add({step_, epoch_, WallTime(), std::move(content)});
}

void TrainingMonitor::OnStep(const StepReport& report) {
  const Clock::time_point now = Clock::now();
  seconds_ += std::chrono::duration<double>(now - last_).count();
  samples_ += report.sample_count;
  ++steps_;
  step_ = report.step;
  epoch_ = report.epoch;
  if (report.statistics && !has_layers_) RecordLayers(*report.statistics->layers);
  if (report.statistics || log_.Takes(report.step)) {
    RecordStep(report);
    seconds_ = 0;
    samples_ = 0;
    steps_ = 0;
  }
  if (health_ && report.statistics) Tell(health_->OnStep(report, *report.statistics));
  last_ = Clock::now();
}

void TrainingMonitor::OnEpoch(const EpochReport& report) {
  ScalarList scalars;
  scalars.Add(kEpochLossTag, report.train_loss);
  scalars.Add(kEpochLearningRateTag, report.learning_rate);
  if (report.validation_loss) scalars.Add(kValidationLossTag, *report.validation_loss);
  for (const auto& [name, value] : report.metrics) {
    scalars.Add(absl::StrCat(std::string(kValidationTag), name), value);
  }
  step_ = report.step;
  epoch_ = report.epoch;
  scalars.Add(kEpochSecondsTag, report.seconds);
  if (report.validation_loss) scalars.Add(kValidationSecondsTag, report.validation_seconds);
  Add(EpochScalars{scalars.Take()});
  if (report.predictions) RecordPredictions(*report.predictions);
  if (health_ && report.is_whole) Tell(health_->OnEpoch(report));
  last_ = Clock::now();
}

void TrainingMonitor::Flush() {
  if (writer_ != nullptr) writer_->Flush();
}

absl::Status TrainingMonitor::Finish(RunEnd end) {
  Add(std::move(end));
  return writer_ != nullptr ? writer_->Finish() : absl::OkStatus();
}

void TrainingMonitor::RecordLayers(const WatchedLayers& layers) {
  LayerList list;
  for (const WatchedLayers::Parameter& parameter : layers.parameters) {
    list.parameters.push_back({parameter.name, parameter.layer, parameter.element_count});
  }
  for (const WatchedLayers::Activation& activation : layers.activations) {
    list.activations.push_back({activation.node, activation.op});
  }
  Add(std::move(list));
  has_layers_ = true;
}

void TrainingMonitor::RecordStep(const StepReport& report) {
  if (writer_ == nullptr) return;
  ScalarList scalars;
  if (!std::isnan(report.loss)) scalars.Add(kTrainLossTag, report.loss);
  scalars.Add(kLearningRateTag, report.learning_rate);
  if (report.statistics) {
    scalars.Add(kGradientNormTag, report.statistics->gradient_norm());
    scalars.Add(kUpdateRatioTag, report.statistics->update_ratio());
  } else if (report.gradient_norm) {
    scalars.Add(kGradientNormTag, *report.gradient_norm);
  }
  if (seconds_ > 0) {
    scalars.Add(kThroughputTag, static_cast<double>(samples_) / seconds_);
    scalars.Add(kStepSecondsTag, seconds_ / static_cast<double>(steps_));
  }
  const ProcessMemory memory = MeasureProcessMemory();
  scalars.Add(kResidentMemoryTag, memory.resident);
  scalars.Add(kPeakMemoryTag, memory.peak);
  if (report.statistics) {
    AddParameters(*report.statistics, scalars);
    AddActivations(*report.statistics, scalars);
  }
  Add(Scalars{scalars.Take()});
  if (report.statistics) RecordHistograms(*report.statistics);
}

void TrainingMonitor::RecordPredictions(const PredictionReport& predictions) {
  if (writer_ == nullptr) return;
  if (!predictions.confusion_matrix.empty()) Add(ConfusionMatrixOf(predictions));
  if (!predictions.hardest.empty()) Add(WorstExamplesOf(predictions));
  if (!predictions.pairs.samples.empty()) {
    Add(PredictedAgainstTrue{std::string(kRegressionTag), predictions.pairs});
  }
}

void TrainingMonitor::RecordHistograms(const StepStatistics& statistics) {
  const auto add = [this](std::string_view kind, const std::string& name,
                          const TensorMeasurement& measured) {
    if (!measured.histogram.empty()) {
      Add(HistogramOf(absl::StrCat(std::string(kind), name), measured));
    }
  };
  for (size_t i = 0; i < statistics.parameters.size(); ++i) {
    const std::string& name = statistics.layers->parameters[i].name;
    add(kWeightsOf, name, statistics.parameters[i].weight);
    add(kGradientsOf, name, statistics.parameters[i].gradient);
  }
  for (size_t i = 0; i < statistics.activations.size(); ++i) {
    add(kActivationsOf, statistics.layers->activations[i].node, statistics.activations[i]);
  }
}

void TrainingMonitor::Tell(std::vector<HealthFinding> findings) {
  for (HealthFinding& finding : findings) {
    listeners_.on_finding(finding);
    Add(std::move(finding));
  }
}

}  // namespace strop
