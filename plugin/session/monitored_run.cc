#include "plugin/session/monitored_run.h"

#include <fstream>
#include <oneapi/dnnl/dnnl.hpp>
#include <thread>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "graph/status_macros.h"
#include "ops/kernels/team_size.h"
#include "plugin/monitor/model_graph.h"
#include "plugin/monitor/sample_image.h"
#include "plugin/monitor/tags.h"

namespace strop {
namespace {

bool IsPlain(char letter) {
  constexpr std::string_view kPlain = "_-+=./:,@%";
  return std::isalnum(static_cast<unsigned char>(letter)) != 0 ||
         kPlain.find(letter) != std::string_view::npos;
}

// As a shell takes it.
std::string Quoted(const std::string& argument) {
  if (!argument.empty() && std::all_of(argument.begin(), argument.end(), IsPlain)) return argument;
  std::string quoted = "'";
  for (const char letter : argument) quoted += letter == '\'' ? "'\\''" : std::string(1, letter);
  return quoted + "'";
}

// The command line of this process; empty where the system does not say.
std::string CommandLine() {
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  std::string command;
  for (std::string argument; std::getline(file, argument, '\0');) {
    absl::StrAppend(&command, command.empty() ? "" : " ", Quoted(argument));
  }
  return command;
}

std::string ProcessorName() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown";
}

std::map<std::string, std::string> EnvironmentOf(const PlanOptions& plan) {
  const dnnl_version_t& onednn = *dnnl_version();
  return {{"strop", STROP_VERSION},
          {"onednn", absl::StrCat(onednn.major, ".", onednn.minor, ".", onednn.patch)},
          {"processor", ProcessorName()},
          {"cores", absl::StrCat(std::thread::hardware_concurrency())},
          {"threads", absl::StrCat(TeamSize::Of(plan.threads))}};
}

bool IsOneOf(const std::string& name, const std::vector<std::string>& names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Whether runs are compared by an option where the user does not say by which.
bool IsHyperparameter(const Option& option) {
  switch (option.comparison) {
    case Comparison::kNever:
      return false;
    case Comparison::kInput:
    case Comparison::kIfGiven:
      return option.is_given();
    case Comparison::kAlways:
    case Comparison::kMain:
      return true;
  }
  return false;
}

// Whether runs are likely to differ by it.
bool IsMain(const Option& option) {
  return option.comparison == Comparison::kMain ||
         (option.is_given() && option.comparison != Comparison::kInput);
}

// What an option has, given or by default; nothing where it has no value.
std::optional<HyperparameterValue> ValueOf(const Option& option) {
  if (option.is_switch()) return option.is_given();
  const std::string text = absl::StrJoin(ValuesOf(option), ",");
  if (text.empty()) return std::nullopt;
  double number = 0;
  if (absl::SimpleAtod(text, &number)) return number;
  return text;
}

// The tags by which runs are compared.
std::vector<std::string> ComparedTags(const TrainOptions& options,
                                      const TrainingOptions& training) {
  std::vector<std::string> tags = {std::string(kEpochLossTag)};
  if (!options.validation_split && options.validation_data.empty()) return tags;
  tags.emplace_back(kValidationLossTag);
  for (const std::string& metric : training.metrics) {
    tags.push_back(std::string(kValidationTag) + metric);
  }
  return tags;
}

Hyperparameters HyperparametersOf(const TrainOptions& options, const TrainingOptions& training) {
  Hyperparameters hyperparameters;
  hyperparameters.metrics = ComparedTags(options, training);
  std::map<std::string, double> numbers;
  for (const auto& [name, number] : OptimizerNumbers(training.graph.optimizer)) {
    numbers[name] = number;
  }
  const std::vector<std::string>& chosen = options.monitoring.hyperparameters;
  for (const Option& option : options.set->options()) {
    const std::string name = absl::AsciiStrToLower(option.name);
    const auto number = numbers.find(name);
    const bool is_compared = chosen.empty() ? number != numbers.end() || IsHyperparameter(option)
                                            : IsOneOf(name, chosen);
    if (!is_compared) continue;
    if (!chosen.empty() || IsMain(option)) hyperparameters.main.insert(name);
    const std::optional<HyperparameterValue> value =
        number != numbers.end() ? number->second : ValueOf(option);
    if (value) {
      hyperparameters.values.emplace_back(name, *value);
    } else {
      hyperparameters.absent.push_back(name);
    }
  }
  return hyperparameters;
}

}  // namespace

absl::StatusOr<RunDescription> DescribeRun(const TrainOptions& options,
                                           const TrainingOptions& training, const Graph& model,
                                           DataSource& data) {
  RunDescription description;
  description.environment = EnvironmentOf(options.model.plan);
  description.hyperparameters = HyperparametersOf(options, training);
  description.graph = ModelGraphOf(model);
  STROP_ASSIGN_OR_RETURN(description.samples, DrawSamples(data));
  return description;
}

absl::StatusOr<std::unique_ptr<TrainingMonitor>> BeginMonitoring(
    const MonitorArguments& arguments, const std::string& directory,
    const std::optional<ResumePoint>& resume, RunDescription description, HealthState& health,
    const Listener& listener, std::function<void(const HealthFinding&)> on_finding) {
  MonitorOptions options;
  options.directory = directory;
  if (Monitors(arguments, !directory.empty())) options.health = &health;
  options.log = RecordCadence(arguments);
  options.resume = resume;
  MonitorListeners listeners;
  listeners.on_finding = std::move(on_finding);
  listeners.warn = [listener](const absl::Status& status) {
    listener.warning(std::string(status.message()) + "; the training goes on without it");
  };
  STROP_ASSIGN_OR_RETURN(std::unique_ptr<TrainingMonitor> monitor,
                         TrainingMonitor::Create(options, std::move(listeners)));
  const std::string command = CommandLine();
  if (!resume) monitor->Add(RunStart{command, std::move(description.environment)});
  monitor->Add(Text{std::string(kCommandTag), absl::StrCat("    ", command)});
  if (resume) return monitor;
  monitor->Add(std::move(description.hyperparameters));
  monitor->Add(std::move(description.graph));
  if (description.samples) monitor->Add(*std::move(description.samples));
  return monitor;
}

absl::Status FinishMonitoring(TrainingMonitor& monitor, const absl::StatusOr<TrainingResult>& run,
                              const absl::Status& diverged, bool is_exported) {
  if (!run.ok()) {
    monitor.Finish({RunStatus::kFailed, std::string(run.status().message())}).IgnoreError();
    return absl::OkStatus();  // the run's own failure is what is said
  }
  RunEnd end;
  end.message = absl::StrCat("after ", run->steps, " steps");
  if (run->was_stopped) end.status = RunStatus::kStoppedBySignal;
  if (run->stopped_early) end.status = RunStatus::kStoppedEarly;
  constexpr const char* kNames[] = {"", "last", "best", "averaged"};
  if (is_exported) {
    end.weights = kNames[static_cast<size_t>(run->weights)];
    end.weights_epoch = run->weights_epoch;
  }
  if (diverged.ok()) return monitor.Finish(std::move(end));
  end.status = RunStatus::kFailed;
  end.message = std::string(diverged.message());
  monitor.Finish(std::move(end)).IgnoreError();
  return absl::OkStatus();
}

}  // namespace strop
