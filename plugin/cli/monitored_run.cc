#include "plugin/cli/monitored_run.h"

#include <omp.h>

#include <cstdio>
#include <fstream>
#include <oneapi/dnnl/dnnl.hpp>
#include <thread>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
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

std::map<std::string, std::string> Environment() {
  const dnnl_version_t& onednn = *dnnl_version();
  return {{"strop", STROP_VERSION},
          {"onednn", absl::StrCat(onednn.major, ".", onednn.minor, ".", onednn.patch)},
          {"processor", ProcessorName()},
          {"cores", absl::StrCat(std::thread::hardware_concurrency())},
          {"threads", absl::StrCat(omp_get_max_threads())}};
}

template <size_t kCount>
bool IsOneOf(const std::string& name, const std::string_view (&names)[kCount]) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

// Whether runs are compared by an option: those that were typed but for the run's housekeeping, and
// what every run has.
bool IsHyperparameter(const CLI::Option& option, const std::string& name) {
  constexpr std::string_view kHousekeeping[] = {
      "output",    "run-directory", "resume",          "keep",    "json",
      "log-every", "monitor",       "no-monitor",      "threads", "dump",
      "config",    "dry-run",       "histogram-every", "help",    "checkpoint-every"};
  constexpr std::string_view kAlways[] = {"optimizer", "learning-rate", "loss",
                                          "epochs",    "schedule",      "seed"};
  return option.count() > 0 ? !IsOneOf(name, kHousekeeping) : IsOneOf(name, kAlways);
}

Hyperparameters HyperparametersOf(const CLI::App& app) {
  Hyperparameters hyperparameters;
  for (const CLI::Option* option : app.get_options()) {
    const std::string name = absl::AsciiStrToLower(option->get_single_name());
    if (!IsHyperparameter(*option, name)) continue;
    const bool is_flag = option->get_items_expected_max() == 0;
    if (is_flag) {
      hyperparameters.values.emplace_back(name, option->as<bool>());
      continue;
    }
    const std::string text =
        option->count() > 0 ? CLI::detail::join(option->results(), ",") : option->get_default_str();
    double number = 0;
    if (text.empty() || text == "[]") continue;
    if (absl::SimpleAtod(text, &number)) {
      hyperparameters.values.emplace_back(name, number);
    } else {
      hyperparameters.values.emplace_back(name, text);
    }
  }
  return hyperparameters;
}

}  // namespace

absl::StatusOr<RunDescription> DescribeRun(const CLI::App& app, const Graph& model,
                                           DataSource& data) {
  RunDescription description;
  description.hyperparameters = HyperparametersOf(app);
  description.graph = ModelGraphOf(model);
  STROP_ASSIGN_OR_RETURN(description.samples, DrawSamples(data));
  return description;
}

absl::StatusOr<std::unique_ptr<TrainingMonitor>> BeginMonitoring(
    const MonitorArguments& arguments, const std::string& directory,
    const std::optional<ResumePoint>& resume, RunDescription description, Progress& progress) {
  MonitorOptions options;
  options.directory = directory;
  options.watches_health = Monitors(arguments, !directory.empty());
  options.log_every = RecordEvery(arguments);
  options.resume = resume;
  MonitorListeners listeners;
  listeners.on_finding = [&progress](const HealthFinding& finding) {
    progress.ClearBar();
    std::fprintf(stderr, "health: %s\n", finding.message.c_str());
  };
  listeners.warn = [](const absl::Status& status) {
    std::fprintf(stderr, "warning: %s; the training goes on without it\n",
                 std::string(status.message()).c_str());
  };
  STROP_ASSIGN_OR_RETURN(std::unique_ptr<TrainingMonitor> monitor,
                         TrainingMonitor::Create(options, std::move(listeners)));
  const std::string command = CommandLine();
  if (!resume) monitor->Add(RunStart{command, Environment()});
  monitor->Add(Text{std::string(kCommandTag), absl::StrCat("    ", command)});
  if (resume) return monitor;
  description.hyperparameters.metrics = {std::string(kValidationLossTag),
                                         std::string(kEpochLossTag)};
  monitor->Add(std::move(description.hyperparameters));
  monitor->Add(std::move(description.graph));
  if (description.samples) monitor->Add(*std::move(description.samples));
  return monitor;
}

absl::Status FinishMonitoring(TrainingMonitor& monitor, const absl::StatusOr<TrainingResult>& run) {
  if (!run.ok()) {
    (void)monitor.Finish(RunStatus::kFailed, std::string(run.status().message()));
    return absl::OkStatus();  // the run's own failure is what is said
  }
  const std::string steps = absl::StrCat("after ", run->steps, " steps");
  if (run->was_stopped) return monitor.Finish(RunStatus::kStoppedBySignal, steps);
  return monitor.Finish(run->stopped_early ? RunStatus::kStoppedEarly : RunStatus::kFinished,
                        steps);
}

}  // namespace strop
