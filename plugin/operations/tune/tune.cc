#include "plugin/operations/tune/tune.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "exporter/atomic_file.h"
#include "exporter/exporter.h"
#include "exporter/scratch_folder.h"
#include "graph/status_macros.h"
#include "plugin/operations/tune/program_on_path.h"
#include "plugin/operations/tune/study_folder.h"
#include "plugin/operations/tune/trial_options.h"
#include "plugin/options/outcome.h"
#include "plugin/options/table/search_space_file.h"
#include "plugin/session/lora_export.h"
#include "plugin/tune/tuner.h"

namespace strop {
namespace {

namespace fs = std::filesystem;

// Everything that is known before the first trial runs.
struct Study {
  std::vector<SearchDimension> space;
  std::vector<std::vector<std::string>> values;  // [trials][space]
  std::vector<std::string> shared;               // words of the options of all trials
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
  const std::vector<GivenOption> shared = GivenTrainOptions(*options.trial.set);
  study.shared = WordsOf(shared);
  for (const std::vector<std::string>& values : study.values) {
    std::vector<GivenOption> searched;
    for (size_t i = 0; i < values.size(); ++i) {
      STROP_ASSIGN_OR_RETURN(const std::optional<GivenOption> option,
                             SearchedOption(study.space[i], values[i]));
      if (option) searched.push_back(*option);
    }
    std::vector<GivenOption> all = {{"MODEL", options.model}, {"output", options.output}};
    all.insert(all.end(), shared.begin(), shared.end());
    all.insert(all.end(), searched.begin(), searched.end());
    STROP_ASSIGN_OR_RETURN(study.settings, CheckTrainOptions(all));
    study.words.push_back(WordsOf(searched));
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
      options.seed,  study.objective, study.shared};
}

std::vector<TunedTrial> TrialsOf(const TuneOptions& options, const Study& study,
                                 const std::string& program, const std::string& directory,
                                 int64_t threads) {
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
    trial.command.insert(trial.command.end(), study.shared.begin(), study.shared.end());
    trial.command.insert(trial.command.end(), study.words[i].begin(), study.words[i].end());
  }
  return trials;
}

// Puts what the best trial wrote where the output goes, as an export would.
absl::Status TakeBest(const std::string& folder, const std::string& output,
                      const Listener& listener) {
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
  listener.TellNotes(notes.lines);
  return absl::OkStatus();
}

absl::StatusOr<std::string> ProgramOf(const TuneOptions& options) {
  if (!options.program.empty()) return options.program;
  absl::StatusOr<std::string> found = ProgramOnPath("strop");
  if (found.ok()) return found;
  return absl::NotFoundError(
      absl::StrCat("tune: ", found.status().message(), "; it trains the trials"));
}

absl::StatusOr<TuneOutcome> RunStudy(const TuneOptions& options, const Study& study,
                                     const std::string& directory, const TuneCallbacks& callbacks) {
  STROP_ASSIGN_OR_RETURN(const std::string program, ProgramOf(options));
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
  const std::vector<TunedTrial> trials = TrialsOf(options, study, program, directory, threads);
  const auto ended = [&journal] { return static_cast<int64_t>(journal.records().size()); };
  const Listener& listener = options.trial.model.listener;
  const auto should_stop = [&callbacks] {
    return callbacks.should_stop && callbacks.should_stop();
  };
  TunerCallbacks followed;
  followed.should_stop = should_stop;
  followed.on_trial = [&](const TrialRecord& record) {
    std::vector<std::string> parts =
        TrialParts(record, study.space, study.values[record.trial - 1], study.objective);
    parts.insert(parts.begin(), absl::StrCat("trial ", record.trial, "/", count));
    if (callbacks.on_trial) callbacks.on_trial(parts);
    listener.progress(kTune.name, ended(), count);
  };
  absl::Status status;
  if (!should_stop()) {
    listener.progress(kTune.name, ended(), count);
    status = RunTrials(trials, tuner, followed, journal);
  }
  if (should_stop()) {
    return Stopped(absl::StrCat("after ", ended(), " of ", count, " trials",
                                options.directory.empty() ? "" : "; go on with --resume"));
  }
  STROP_RETURN_IF_ERROR(status);
  TuneReport report = {study.space, study.values, Ranked(journal.records(), study.is_higher_better),
                       study.objective, study.is_higher_better};
  const TrialRecord& best = report.ranked[0];
  if (best.state != TrialRecord::State::kFinished) {
    return absl::InvalidArgumentError(
        absl::StrCat("tune: no trial finished, the first failed with: ", best.problem));
  }
  STROP_RETURN_IF_ERROR(TakeBest(trials[static_cast<size_t>(best.trial) - 1].model_folder(),
                                 options.output, listener));
  if (!options.page.empty()) {
    STROP_RETURN_IF_ERROR(
        TunePage(report, TrainingLosses(directory, report.ranked)).Write(options.page));
  }
  const int64_t best_trial = best.trial;
  return TuneOutcome{std::move(report), best_trial};
}

}  // namespace

absl::StatusOr<TuneOutcome> Tune(const TuneOptions& options, const TuneCallbacks& callbacks) {
  if (options.resume && options.directory.empty()) {
    return UsageError("--resume takes the --run-directory to go on in");
  }
  STROP_ASSIGN_OR_RETURN(const Study study, PlanStudy(options));
  if (options.dry_run) {
    return TuneOutcome{{study.space, study.values, {}, study.objective, study.is_higher_better}, 0};
  }
  std::error_code error;
  if (!options.directory.empty()) {
    fs::create_directories(options.directory, error);
    if (error) {
      return absl::PermissionDeniedError(absl::StrCat("--run-directory \"", options.directory,
                                                      "\" cannot be created: ", error.message()));
    }
    return RunStudy(options, study, options.directory, callbacks);
  }
  STROP_ASSIGN_OR_RETURN(const std::string scratch, ScratchFolder());
  std::string directory = scratch + "/strop-tune-XXXXXX";
  if (mkdtemp(directory.data()) == nullptr) {
    return absl::PermissionDeniedError(
        absl::StrCat("tune: \"", directory, "\" cannot be created; give --run-directory"));
  }
  absl::StatusOr<TuneOutcome> outcome = RunStudy(options, study, directory, callbacks);
  fs::remove_all(directory, error);
  return outcome;
}

nlohmann::ordered_json ToJson(const TuneOutcome& outcome) {
  const TuneReport& report = outcome.report;
  return outcome.best_trial == 0 ? TrialsJson(report.space, report.values) : ToJson(report);
}

Operation TuneOperation() {
  Operation operation(kTune);
  const auto options = std::make_shared<TuneOptions>();
  AddTuneOptions(*operation.options, *options);
  operation.run =
      [options](const OperationCallbacks& callbacks) -> absl::StatusOr<nlohmann::ordered_json> {
    options->trial.model.listener = callbacks.listener;
    TuneCallbacks followed;
    followed.on_trial = [&callbacks](const std::vector<std::string>& parts) {
      callbacks.listener.status(absl::StrJoin(parts, "  "));
    };
    followed.should_stop = callbacks.should_stop;
    STROP_ASSIGN_OR_RETURN(const TuneOutcome outcome, Tune(*options, followed));
    return ToJson(outcome);
  };
  return operation;
}

}  // namespace strop
