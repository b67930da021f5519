#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace strop {

// What became of a trial.
struct TrialRecord {
  enum class State { kFinished, kPruned, kFailed };

  int64_t trial = 0;  // counts from 1
  State state = State::kFinished;
  std::vector<double> values;  // what is watched, after each epoch; NaN where it was none
  double value = 0;            // of the weights that the trial ended with; NaN for a failed one
  double seconds = 0;
  std::string problem;  // of a failed one
};

// "finished", "pruned", "failed"
std::string StateName(TrialRecord::State state);

inline constexpr char kJournalFile[] = "journal.jsonl";

// The record of a study as a file of JSON lines: a heading that says what is studied, then a line a
// trial. Every line is written by one call and synchronized, so that a run that is killed leaves
// whole lines and at most one torn one at the end, which reading leaves out.
class Journal {
 public:
  // Starts the file, or goes on with one whose heading is the same. AlreadyExists when there is a
  // file and `resumes` is false; InvalidArgument when its heading is another.
  static absl::StatusOr<Journal> Open(const std::string& path, const std::string& heading,
                                      bool resumes);
  Journal(Journal&& other) noexcept;
  Journal& operator=(Journal&&) = delete;
  ~Journal();

  const std::vector<TrialRecord>& records() const { return records_; }
  absl::Status Append(const TrialRecord& record);

 private:
  Journal(std::string path, int file) : path_(std::move(path)), file_(file) {}
  absl::Status WriteLine(const std::string& line);

  std::string path_;
  int file_ = -1;
  std::vector<TrialRecord> records_;
};

struct JournalContents {
  std::string heading;
  std::vector<TrialRecord> records;
};

// What a journal holds that nobody writes to, or somebody does. NotFound when there is none.
absl::StatusOr<JournalContents> ReadJournal(const std::string& path);

}  // namespace strop
