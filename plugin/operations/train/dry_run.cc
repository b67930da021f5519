#include "plugin/operations/train/dry_run.h"

#include <algorithm>
#include <chrono>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_join.h"
#include "graph/status_macros.h"

namespace strop {
namespace {

using Clock = std::chrono::steady_clock;

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

}  // namespace

absl::StatusOr<DryRun> MeasureDryRun(const ImportedModel& model,
                                     std::vector<ResolvedOption> options, Trainer& trainer) {
  DryRun dry;
  dry.options = std::move(options);
  dry.steps_per_epoch = trainer.steps_per_epoch();
  dry.steps = trainer.steps_of_run();
  STROP_RETURN_IF_ERROR(MeasureStates(model, trainer, dry));
  STROP_RETURN_IF_ERROR(MeasureSteps(trainer, dry));
  dry.unreached.assign(trainer.unreached().begin(), trainer.unreached().end());
  return dry;
}

nlohmann::ordered_json ToJson(const DryRun& dry) {
  return {{"options", OptionsJson(dry.options)},
          {"trained_tensors", dry.trained_tensors},
          {"trained_parameters", dry.trained_parameters},
          {"parameters", dry.all_parameters},
          {"unreached", UnreachedJson(dry.unreached)},
          {"steps_per_epoch", dry.steps_per_epoch},
          {"steps", dry.steps},
          {"parameter_bytes", dry.parameter_bytes},
          {"optimizer_bytes", dry.optimizer_bytes},
          {"arena_bytes", dry.arena_bytes},
          {"first_step_s", dry.first_step_seconds},
          {"step_ms", dry.step_seconds * 1e3}};
}

}  // namespace strop
