#include "plugin/operations/tune/study_folder.h"

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "plugin/monitor/tags.h"
#include "plugin/report/run_records.h"
#include "plugin/training/metrics/metric_table.h"
#include "plugin/tune/tuner.h"

namespace strop {

namespace fs = std::filesystem;

bool IsStudyFolder(const std::string& folder) {
  std::error_code error;
  return fs::exists(fs::path(folder) / kJournalFile, error) &&
         !fs::exists(fs::path(folder) / "records.jsonl", error);
}

absl::StatusOr<StudyFolder> ReadStudyFolder(const std::string& folder) {
  const std::string path = (fs::path(folder) / kJournalFile).string();
  STROP_ASSIGN_OR_RETURN(JournalContents journal, ReadJournal(path));
  absl::StatusOr<StudyHeading> heading = ParseHeading(journal.heading);
  if (!heading.ok()) {
    return absl::NotFoundError(absl::StrCat("\"", path, "\": ", heading.status().message()));
  }
  if (journal.records.empty()) {
    return absl::NotFoundError(absl::StrCat(
        "\"", path, "\": found no trial that has ended; go on with strop tune --resume"));
  }
  StudyFolder study;
  STROP_ASSIGN_OR_RETURN(study.is_higher_better, IsHigherBetter(heading->objective));
  STROP_ASSIGN_OR_RETURN(study.values,
                         SampleTrials(heading->space, SearchStrategyOf(heading->strategy),
                                      heading->trials, heading->seed));
  for (const TrialRecord& record : journal.records) {
    if (record.trial >= 1 && record.trial <= static_cast<int64_t>(study.values.size())) continue;
    return absl::NotFoundError(absl::StrCat("\"", path, "\": found trial ", record.trial,
                                            ", expected 1 to ", study.values.size()));
  }
  study.ranked = Ranked(std::move(journal.records), study.is_higher_better);
  study.heading = *std::move(heading);
  return study;
}

std::map<int64_t, std::vector<double>> TrainingLosses(const std::string& folder,
                                                      const std::vector<TrialRecord>& trials) {
  std::map<int64_t, std::vector<double>> losses;
  for (const TrialRecord& trial : trials) {
    const absl::StatusOr<RunRecords> run = ReadRunRecords(TrialFolder(folder, trial.trial));
    if (!run.ok()) continue;  // it failed before its first record
    const std::vector<double>* values = run->epochs.Find(kEpochLossTag);
    if (values != nullptr) losses[trial.trial] = *values;
  }
  return losses;
}

std::string TrialFolder(const std::string& folder, int64_t trial) {
  return absl::StrCat(folder, "/trial-", trial);
}

absl::StatusOr<bool> IsHigherBetter(const std::string& objective) {
  if (objective.ends_with("_loss") && objective != "log_loss") return false;
  STROP_ASSIGN_OR_RETURN(const Better better, BetterOf(objective));
  return better == Better::kHigher;
}

}  // namespace strop
