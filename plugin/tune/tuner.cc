#include "plugin/tune/tuner.h"

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <list>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "plugin/tune/trial_process.h"

namespace strop {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using Json = nlohmann::ordered_json;
using State = TrialRecord::State;

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();

double NumberIn(const Json& line, const std::string& key) {
  return line.contains(key) && line[key].is_number() ? line[key].get<double>() : kNothing;
}

// The last line that a trial said, without the program's name.
std::string LastLine(const std::string& path) {
  std::ifstream file(path);
  std::string last;
  for (std::string line; std::getline(file, line);) {
    if (!line.empty()) last = line;
  }
  constexpr std::string_view kName = "strop train: ";
  return last.starts_with(kName) ? last.substr(kName.size()) : last;
}

// An error that every other trial would meet too; sysexits' numbers, as `strop` ends with them.
absl::Status SharedProblem(int exit_code, const std::string& problem) {
  switch (exit_code) {
    case 2:
      return absl::InvalidArgumentError(problem);
    case 66:
      return absl::NotFoundError(problem);
    case 73:
      return absl::PermissionDeniedError(problem);
    case 74:
      return absl::DataLossError(problem);
    default:
      return absl::OkStatus();
  }
}

// A trial while it runs.
struct RunningTrial {
  const TunedTrial& trial;
  TrialProcess process;
  TrialRecord record;
  double best_loss = std::numeric_limits<double>::infinity();
  Clock::time_point start = Clock::now();
};

class Tuner {
 public:
  Tuner(const TunerOptions& options, const TunerCallbacks& callbacks, Journal& journal)
      : options_(options), callbacks_(callbacks), journal_(journal) {
    if (!options_.halving) return;
    for (const TrialRecord& record : journal.records()) {
      for (size_t i = 0; i < record.values.size(); ++i) {
        const auto epoch = static_cast<int64_t>(i) + 1;
        if (epoch < options_.epochs) options_.halving->GoesOn(epoch, record.values[i]);
      }
    }
  }

  absl::Status Run(const std::vector<TunedTrial>& trials) {
    std::set<int64_t> recorded;
    for (const TrialRecord& record : journal_.records()) recorded.insert(record.trial);
    for (const TunedTrial& trial : trials) {
      if (recorded.contains(trial.number)) model_folders_[trial.number] = trial.model_folder();
    }
    auto next = trials.begin();
    while (true) {
      while (static_cast<int64_t>(running_.size()) < options_.jobs && next != trials.end()) {
        if (!recorded.contains(next->number)) STROP_RETURN_IF_ERROR(Start(*next));
        ++next;
      }
      if (running_.empty()) return absl::OkStatus();
      if (callbacks_.should_stop && callbacks_.should_stop()) {
        return absl::CancelledError("tune: stopped");
      }
      STROP_RETURN_IF_ERROR(ReadAll());
    }
  }

 private:
  absl::Status Start(const TunedTrial& trial) {
    std::error_code error;
    fs::remove_all(trial.folder, error);
    fs::create_directories(trial.model_folder(), error);
    if (error) {
      return absl::PermissionDeniedError(
          absl::StrCat("tune: \"", trial.folder, "\": cannot be created: ", error.message()));
    }
    STROP_ASSIGN_OR_RETURN(
        TrialProcess process,
        TrialProcess::Start(trial.command, absl::StrCat(trial.folder, "/", kTrialLog)));
    running_.push_back({trial, std::move(process), {}});
    running_.back().record.trial = trial.number;
    running_.back().record.value = kNothing;
    return absl::OkStatus();
  }

  // Waits until one of the trials says something, or a while.
  absl::Status ReadAll() {
    std::vector<pollfd> polled;
    for (const RunningTrial& running : running_) {
      polled.push_back({running.process.output(), POLLIN, 0});
    }
    if (poll(polled.data(), polled.size(), /*milliseconds=*/200) <= 0) return absl::OkStatus();
    size_t i = 0;
    for (auto running = running_.begin(); running != running_.end(); ++i) {
      bool has_ended = false;
      if (polled[i].revents != 0) {
        for (const std::string& line : running->process.ReadLines(has_ended)) {
          Take(line, *running);
        }
      }
      if (!has_ended) {
        ++running;
        continue;
      }
      STROP_RETURN_IF_ERROR(End(*running));
      running = running_.erase(running);
    }
    return absl::OkStatus();
  }

  // One line of a training: that of an epoch counts, those of steps have no train_loss.
  void Take(const std::string& text, RunningTrial& running) {
    const Json line = Json::parse(text, nullptr, /*allow_exceptions=*/false);
    TrialRecord& record = running.record;
    if (!line.is_object() || !line.contains("train_loss")) return;
    if (record.state == State::kPruned) return;
    const double value = NumberIn(line, options_.objective);
    record.values.push_back(value);
    const double loss = NumberIn(line, "validation_loss");
    const bool is_best = loss < running.best_loss - options_.min_delta;
    if (is_best) running.best_loss = loss;
    if (is_best || !options_.restores_best) record.value = value;
    const auto epoch = static_cast<int64_t>(record.values.size());
    if (!options_.halving || epoch >= options_.epochs) return;
    if (options_.halving->GoesOn(epoch, value)) return;
    record.state = State::kPruned;
    running.process.Stop();
  }

  absl::Status End(RunningTrial& running) {
    const int exit_code = running.process.Wait();
    TrialRecord& record = running.record;
    record.seconds = std::chrono::duration<double>(Clock::now() - running.start).count();
    if (record.state != State::kPruned && exit_code != 0) {
      record.state = State::kFailed;
      record.value = kNothing;
      record.problem = LastLine(absl::StrCat(running.trial.folder, "/", kTrialLog));
      STROP_RETURN_IF_ERROR(SharedProblem(exit_code, record.problem));
    } else if (record.state != State::kPruned && std::isnan(record.value)) {
      record.state = State::kFailed;
      record.problem = absl::StrCat("its ", options_.objective, " is no number");
    }
    STROP_RETURN_IF_ERROR(journal_.Append(record));
    model_folders_[record.trial] = running.trial.model_folder();
    KeepBest();
    if (callbacks_.on_trial) callbacks_.on_trial(record);
    return absl::OkStatus();
  }

  // Removes the models of the trials that are not the best.
  void KeepBest() const {
    const int64_t best = Ranked(journal_.records(), options_.is_higher_better)[0].trial;
    for (const auto& [number, folder] : model_folders_) {
      std::error_code ignored;
      if (number != best) fs::remove_all(folder, ignored);
    }
  }

  TunerOptions options_;
  const TunerCallbacks& callbacks_;
  Journal& journal_;
  std::list<RunningTrial> running_;
  std::map<int64_t, std::string> model_folders_;  // of the trials that have ended
};

}  // namespace

absl::Status RunTrials(const std::vector<TunedTrial>& trials, const TunerOptions& options,
                       const TunerCallbacks& callbacks, Journal& journal) {
  return Tuner(options, callbacks, journal).Run(trials);
}

std::vector<TrialRecord> Ranked(std::vector<TrialRecord> records, bool is_higher_better) {
  const auto key = [is_higher_better](const TrialRecord& record) {
    double cost = is_higher_better ? -record.value : record.value;
    if (std::isnan(cost)) cost = std::numeric_limits<double>::infinity();
    const bool is_pruned = record.state == State::kPruned;
    const int64_t missing = is_pruned ? -static_cast<int64_t>(record.values.size()) : 0;
    return std::tuple(record.state, missing, cost, record.trial);
  };
  std::sort(records.begin(), records.end(), [&](const TrialRecord& left, const TrialRecord& right) {
    return key(left) < key(right);
  });
  return records;
}

}  // namespace strop
