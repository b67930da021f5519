#include "plugin/tune/journal.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"

namespace strop {
namespace {

using Json = nlohmann::ordered_json;
using State = TrialRecord::State;

constexpr State kStates[] = {State::kFinished, State::kPruned, State::kFailed};

// JSON has no NaN: null stands for it.
double NumberOf(const Json& json) {
  return json.is_number() ? json.get<double>() : std::numeric_limits<double>::quiet_NaN();
}

Json LineOf(const TrialRecord& record) {
  Json line = {{"trial", record.trial},
               {"state", StateName(record.state)},
               {"value", record.value},
               {"values", record.values},
               {"seconds", record.seconds}};
  if (!record.problem.empty()) line["problem"] = record.problem;
  return line;
}

std::optional<TrialRecord> RecordOf(const std::string& text) {
  const Json line = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!line.is_object() || !line.contains("trial") || !line.contains("values")) return std::nullopt;
  TrialRecord record;
  record.trial = line["trial"].get<int64_t>();
  for (const State state : kStates) {
    if (line.value("state", "") == StateName(state)) record.state = state;
  }
  record.value = NumberOf(line.value("value", Json()));
  for (const Json& value : line["values"]) record.values.push_back(NumberOf(value));
  record.seconds = line.value("seconds", 0.0);
  record.problem = line.value("problem", "");
  return record;
}

// The whole lines of a file; empty without one.
std::string WholeLines(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  std::string whole = text.str();
  whole.resize(whole.rfind('\n') + 1);  // npos + 1 is 0: a torn first line
  return whole;
}

std::vector<TrialRecord> RecordsIn(std::istream& lines) {
  std::vector<TrialRecord> records;
  for (std::string line; std::getline(lines, line);) {
    std::optional<TrialRecord> record = RecordOf(line);
    if (record) records.push_back(*std::move(record));
  }
  return records;
}

}  // namespace

std::string StateName(State state) {
  switch (state) {
    case State::kFinished:
      return "finished";
    case State::kPruned:
      return "pruned";
    default:
      return "failed";
  }
}

absl::StatusOr<Journal> Journal::Open(const std::string& path, const std::string& heading,
                                      bool resumes) {
  const std::string whole = WholeLines(path);
  const bool is_new = whole.empty();
  if (!is_new && !resumes) {
    return absl::AlreadyExistsError(absl::StrCat(
        "tune: \"", path, "\": found a study; go on with --resume, or choose another folder"));
  }
  std::istringstream lines(whole);
  std::string line;
  if (!is_new && (!std::getline(lines, line) || line != heading)) {
    return absl::InvalidArgumentError(
        absl::StrCat("tune: \"", path, "\": found the study ", line, ", expected ", heading,
                     "; give the same options, or choose another folder"));
  }
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (file < 0) {
    return absl::PermissionDeniedError(
        absl::StrCat("tune: \"", path, "\": cannot be written: ", strerror(errno)));
  }
  Journal journal(path, file);
  journal.records_ = RecordsIn(lines);
  if (ftruncate(file, static_cast<off_t>(whole.size())) != 0) {
    return absl::DataLossError(
        absl::StrCat("tune: \"", path, "\": cannot be written: ", strerror(errno)));
  }
  if (is_new) STROP_RETURN_IF_ERROR(journal.WriteLine(heading));
  return journal;
}

Journal::Journal(Journal&& other) noexcept
    : path_(std::move(other.path_)),
      file_(std::exchange(other.file_, -1)),
      records_(std::move(other.records_)) {}

Journal::~Journal() {
  if (file_ >= 0) close(file_);
}

absl::Status Journal::Append(const TrialRecord& record) {
  records_.push_back(record);
  return WriteLine(LineOf(record).dump());
}

absl::Status Journal::WriteLine(const std::string& line) {
  const std::string bytes = line + "\n";
  ssize_t written = 0;
  do {
    written = write(file_, bytes.data(), bytes.size());
  } while (written < 0 && errno == EINTR);
  if (written == static_cast<ssize_t>(bytes.size()) && fdatasync(file_) == 0) {
    return absl::OkStatus();
  }
  const int error = written >= 0 && written < static_cast<ssize_t>(bytes.size()) ? ENOSPC : errno;
  return absl::DataLossError(absl::StrCat(
      "tune: \"", path_, "\": cannot be written: ", strerror(error), "; free some space"));
}

absl::StatusOr<JournalContents> ReadJournal(const std::string& path) {
  std::istringstream lines(WholeLines(path));
  JournalContents contents;
  if (!std::getline(lines, contents.heading)) {
    return absl::NotFoundError(
        absl::StrCat("\"", path, "\": found no journal, expected that of strop tune"));
  }
  contents.records = RecordsIn(lines);
  return contents;
}

}  // namespace strop
