// strop tune: trains many times with other options and keeps the best model.

#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <set>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "exporter/atomic_file.h"
#include "exporter/exporter.h"
#include "exporter/scratch_folder.h"
#include "graph/status_macros.h"
#include "plugin/cli/command.h"
#include "plugin/cli/study_folder.h"
#include "plugin/cli/terminal/progress_bar.h"
#include "plugin/cli/terminal/stop_signal.h"
#include "plugin/cli/trial_options.h"
#include "plugin/cli/tune_report.h"
#include "plugin/options/model_options.h"
#include "plugin/options/outcome.h"
#include "plugin/options/table/path_role.h"
#include "plugin/options/table/search_space_file.h"
#include "plugin/options/tune_options.h"
#include "plugin/session/lora_export.h"
#include "plugin/tune/tuner.h"

namespace strop {
namespace {

namespace fs = std::filesystem;

// Everything that is known before the first trial runs.
struct Study {
  std::vector<SearchDimension> space;
  std::vector<std::vector<std::string>> values;  // [trials][space]
  std::vector<std::vector<std::string>> words;   // of the searched options, one per trial
  TrialSettings settings;
  std::string objective;
  bool is_higher_better = false;
};

// The file's options, then the typed ones.
absl::StatusOr<std::vector<SearchDimension>> SpaceOf(const TuneOptions& options) {
  std::vector<SearchDimension> space;
  if (!options.search_space.empty()) {
    STROP_ASSIGN_OR_RETURN(space, ReadSearchSpace(options.search_space));
  }
  for (const std::string& text : options.search) {
    STROP_ASSIGN_OR_RETURN(SearchDimension dimension, ParseSearch(text));
    space.push_back(std::move(dimension));
  }
  std::set<std::string> names;
  for (const SearchDimension& dimension : space) {
    if (names.insert(dimension.option).second) continue;
    return UsageError(absl::StrCat("search ", dimension.option,
                                   ": found twice, expected once; leave one of them out"));
  }
  if (!space.empty()) return space;
  return UsageError(
      "nothing to search; give --search OPTION=VALUES, as in learning-rate=log:1e-5:1e-1, or a "
      "--search-space file");
}

absl::StatusOr<Study> PlanStudy(const TuneOptions& options) {
  Study study;
  STROP_ASSIGN_OR_RETURN(study.space, SpaceOf(options));
  STROP_ASSIGN_OR_RETURN(study.values, SampleTrials(study.space, SearchStrategyOf(options.strategy),
                                                    options.trials, options.seed));
  for (const std::vector<std::string>& values : study.values) {
    std::vector<std::string>& words = study.words.emplace_back();
    for (size_t i = 0; i < values.size(); ++i) {
      STROP_ASSIGN_OR_RETURN(const std::vector<std::string> more,
                             SearchedWords(study.space[i], values[i]));
      words.insert(words.end(), more.begin(), more.end());
    }
    std::vector<std::string> all = {options.model, "-o", options.output};
    all.insert(all.end(), options.train.begin(), options.train.end());
    all.insert(all.end(), words.begin(), words.end());
    STROP_ASSIGN_OR_RETURN(study.settings, CheckTrainWords(all));
  }
  study.objective = options.objective;
  if (study.objective.empty()) {
    study.objective = study.settings.has_validation ? "validation_loss" : "train_loss";
  }
  STROP_ASSIGN_OR_RETURN(study.is_higher_better, IsHigherBetter(study.objective));
  return study;
}

StudyHeading HeadingOf(const TuneOptions& options, const Study& study) {
  return {
      options.model, study.space,     options.strategy, static_cast<int64_t>(study.values.size()),
      options.seed,  study.objective, options.train};
}

std::vector<TunedTrial> TrialsOf(const TuneOptions& options, const Study& study,
                                 const std::string& directory, int64_t threads) {
  std::error_code ignored;
  const std::string program = fs::read_symlink("/proc/self/exe", ignored).string();
  std::vector<TunedTrial> trials;
  for (size_t i = 0; i < study.words.size(); ++i) {
    TunedTrial& trial = trials.emplace_back();
    trial.number = static_cast<int64_t>(i) + 1;
    trial.folder = TrialFolder(directory, trial.number);
    const std::string output = fs::path(trial.model_folder()) / fs::path(options.output).filename();
    trial.command = {program,
                     "train",
                     options.model,
                     "-o",
                     output,
                     "--json",
                     "--threads",
                     std::to_string(threads),
                     "--parent-process",
                     std::to_string(getpid())};
    if (!options.directory.empty()) {  // records, for TensorBoard and strop report
      for (const char* word : {"--run-directory", trial.folder.c_str(), "--keep", "0"}) {
        trial.command.push_back(word);
      }
      if (!options.monitor) trial.command.push_back("--no-monitor");
      for (const SearchDimension& dimension : study.space) {
        trial.command.push_back("--hyperparameters");
        trial.command.push_back(dimension.option);
      }
    }
    trial.command.insert(trial.command.end(), options.train.begin(), options.train.end());
    trial.command.insert(trial.command.end(), study.words[i].begin(), study.words[i].end());
  }
  return trials;
}

// Puts what the best trial wrote where the output goes, as an export would.
absl::Status TakeBest(const std::string& folder, const std::string& output) {
  const std::string model = fs::path(folder) / fs::path(output).filename();
  std::error_code error;
  if (fs::is_directory(model, error)) {  // an adapter of PEFT
    fs::create_directory(output, error);
    for (const fs::directory_entry& entry : fs::directory_iterator(model, error)) {
      STROP_RETURN_IF_ERROR(CopyFile(entry.path(), fs::path(output) / entry.path().filename()));
    }
    return absl::OkStatus();
  }
  if (const std::string adapter = AdapterPathBeside(model); fs::exists(adapter, error)) {
    STROP_RETURN_IF_ERROR(CopyFile(adapter, AdapterPathBeside(output)));
  }
  STROP_ASSIGN_OR_RETURN(const ExportNotes notes, CopyModel(model, output));
  for (const std::string& line : notes.lines) std::fprintf(stderr, "note: %s\n", line.c_str());
  return absl::OkStatus();
}

absl::Status RunStudy(const TuneOptions& options, const Study& study,
                      const std::string& directory) {
  STROP_ASSIGN_OR_RETURN(Journal journal,
                         Journal::Open(absl::StrCat(directory, "/", kJournalFile),
                                       HeadingText(HeadingOf(options, study)), options.resume));
  const int64_t cores = std::max<int64_t>(1, std::thread::hardware_concurrency());
  const auto count = static_cast<int64_t>(study.values.size());
  TunerOptions tuner;
  tuner.jobs = std::min(count, options.jobs > 0 ? options.jobs : cores);
  tuner.objective = study.objective;
  tuner.is_higher_better = study.is_higher_better;
  tuner.restores_best = study.settings.restores_best;
  tuner.min_delta = study.settings.min_delta;
  tuner.epochs = study.settings.epochs;
  if (options.strategy == "asha") {
    tuner.halving.emplace(options.reduction_factor, options.min_epochs, study.is_higher_better);
  }
  const int64_t threads =
      options.threads > 0 ? options.threads : std::max<int64_t>(1, cores / tuner.jobs);
  const std::vector<TunedTrial> trials = TrialsOf(options, study, directory, threads);
  const auto ended = [&journal] { return static_cast<int64_t>(journal.records().size()); };
  ProgressBar bar("tune", count, ended());
  TunerCallbacks callbacks;
  callbacks.should_stop = [] { return CaughtSignal() != 0; };
  callbacks.on_trial = [&](const TrialRecord& record) {
    bar.Clear();
    std::vector<std::string> parts =
        TrialParts(record, study.space, study.values[record.trial - 1], study.objective);
    parts.insert(parts.begin(), absl::StrCat("trial ", record.trial, "/", count));
    std::fprintf(stderr, "%s\n", WrappedLine(parts, TerminalColumns()).c_str());
    bar.Update(ended());
  };
  CatchStopSignals();
  bar.Update(ended());
  const absl::Status status = RunTrials(trials, tuner, callbacks, journal);
  bar.Clear();
  if (CaughtSignal() != 0) {
    return StoppedBySignal(
        CaughtSignal(), absl::StrCat("after ", journal.records().size(), " of ", count, " trials",
                                     options.directory.empty() ? "" : "; go on with --resume"));
  }
  STROP_RETURN_IF_ERROR(status);
  const std::vector<TrialRecord> ranked = Ranked(journal.records(), study.is_higher_better);
  const TrialRecord& best = ranked[0];
  if (best.state != TrialRecord::State::kFinished) {
    return absl::InvalidArgumentError(
        absl::StrCat("tune: no trial finished, the first failed with: ", best.problem));
  }
  STROP_RETURN_IF_ERROR(
      TakeBest(trials[static_cast<size_t>(best.trial) - 1].model_folder(), options.output));
  const TuneReport report = {study.space, study.values, ranked, study.objective,
                             study.is_higher_better};
  if (!options.page.empty()) {
    STROP_RETURN_IF_ERROR(TunePage(report, TrainingLosses(directory, ranked)).Write(options.page));
  }
  if (options.as_json) {
    PrintJson(report);
    return absl::OkStatus();
  }
  PrintTable(report);
  std::printf("wrote %s, the model of trial %lld\n", options.output.c_str(),
              static_cast<long long>(best.trial));
  return absl::OkStatus();
}

absl::Status RunTune(const TuneOptions& options) {
  if (options.resume && options.directory.empty()) {
    return UsageError("--resume takes the --run-directory to go on in");
  }
  STROP_ASSIGN_OR_RETURN(const Study study, PlanStudy(options));
  if (options.dry_run) {
    PrintTrials(study.space, study.values, options.as_json);
    return absl::OkStatus();
  }
  std::error_code error;
  if (!options.directory.empty()) {
    fs::create_directories(options.directory, error);
    if (error) {
      return absl::PermissionDeniedError(absl::StrCat("--run-directory \"", options.directory,
                                                      "\" cannot be created: ", error.message()));
    }
    return RunStudy(options, study, options.directory);
  }
  STROP_ASSIGN_OR_RETURN(const std::string scratch, ScratchFolder());
  std::string directory = scratch + "/strop-tune-XXXXXX";
  if (mkdtemp(directory.data()) == nullptr) {
    return absl::PermissionDeniedError(
        absl::StrCat("tune: \"", directory, "\" cannot be created; give --run-directory"));
  }
  const absl::Status status = RunStudy(options, study, directory);
  fs::remove_all(directory, error);
  return status;
}

}  // namespace

Command TuneCommand() {
  const auto options = std::make_shared<TuneOptions>();
  Command command{
      .name = "tune",
      .help = "Train many times with other options, keep the best model",
      .footer =
          "Takes the options of strop train as well, for all trials.\n"
          "Example: strop tune model.onnx --data train.npz --validation-split 0.25 --epochs 3 "
          "--search learning-rate=log:1e-4:1e-1 --search optimizer=sgd,adamw --strategy sobol "
          "--trials 4 -o best.onnx"};
  OptionSet& set = *command.options;
  set.Add({{.name = "MODEL",
            .target = &options->model,
            .path = PathRole::kModel,
            .is_required = true,
            .is_common = true,
            .help = "The ONNX file"},
           RequiredOutput(options->output, "Where the best model goes")});
  AddTuneOptions(set, *options);
  AddTrainOptionsTo(set, options->trial);
  command.run = [options, given = command.options] {
    options->train = TrainWords(*given);
    return RunTune(*options);
  };
  return command;
}

}  // namespace strop
