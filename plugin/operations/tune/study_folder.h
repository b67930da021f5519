#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "plugin/tune/journal.h"
#include "plugin/tune/study_heading.h"

namespace strop {

// What the folder of `strop tune --run-directory` holds.
struct StudyFolder {
  StudyHeading heading;
  std::vector<std::vector<std::string>> values;  // [trials][space]
  std::vector<TrialRecord> ranked;               // of the trials that have ended, the best first
  bool is_higher_better = false;
};

// Whether a folder is a study's and no run's.
bool IsStudyFolder(const std::string& folder);

// NotFound or InvalidArgument where it is none, or no trial has ended.
absl::StatusOr<StudyFolder> ReadStudyFolder(const std::string& folder);

// The mean training loss by epoch, of the trials that recorded themselves, by number.
std::map<int64_t, std::vector<double>> TrainingLosses(const std::string& folder,
                                                      const std::vector<TrialRecord>& trials);

// Of a trial, in the folder of its study.
std::string TrialFolder(const std::string& folder, int64_t trial);

// Whether more of what makes a trial good is better: a loss, or the name of a metric.
absl::StatusOr<bool> IsHigherBetter(const std::string& objective);

}  // namespace strop
