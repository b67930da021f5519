#include "plugin/monitor/scalar_csv_sink.h"

#include <filesystem>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "graph/status_macros.h"
#include "plugin/monitor/log_file.h"
#include "plugin/monitor/record_scalars.h"
#include "plugin/monitor/tags.h"

namespace strop {
namespace {

constexpr char kHeader[] = "step,epoch,time,tag,value";

// As RFC 4180 has it: in quotes where it holds a comma, a quote or a line's end.
std::string FieldOf(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  return absl::StrCat("\"", absl::StrReplaceAll(text, {{"\"", "\"\""}, {"\n", " "}, {"\r", " "}}),
                      "\"");
}

class ScalarCsvSink : public RecordSink {
 public:
  explicit ScalarCsvSink(LogFile file) : file_(std::move(file)) {}

  absl::Status Write(const Record& record) override {
    std::string rows;
    const auto add = [&](std::string_view tag, double value) {
      absl::StrAppendFormat(&rows, "%d,%d,%.6f,%s,%.17g\n", record.step, record.epoch, record.time,
                            FieldOf(std::string(tag)), value);
    };
    std::visit([&add](const auto& content) { VisitScalars(content, add); }, record.content);
    return file_.Append(rows);
  }
  absl::Status Flush() override { return file_.Flush(); }

 private:
  LogFile file_;
};

// Whether a row stays when the run goes on from `resume`.
bool Holds(std::string_view line, const ResumePoint& resume) {
  if (line == kHeader) return true;
  const std::vector<std::string> fields =
      absl::StrSplit(std::string(line), absl::MaxSplits(',', 3));
  int64_t step = 0;
  int64_t epoch = 0;
  if (fields.size() != 4 || !absl::SimpleAtoi(fields[0], &step) ||
      !absl::SimpleAtoi(fields[1], &epoch)) {
    return false;
  }
  const bool is_of_epoch_end = IsEpochTag(fields[3].substr(0, fields[3].rfind(',')));
  return step <= resume.step && (!is_of_epoch_end || epoch <= resume.epochs);
}

}  // namespace

absl::StatusOr<std::unique_ptr<RecordSink>> OpenScalarCsv(
    const std::string& path, const std::optional<ResumePoint>& resume) {
  if (resume) {
    STROP_RETURN_IF_ERROR(
        KeepLines(path, [&resume](std::string_view line) { return Holds(line, *resume); }));
  }
  std::error_code error;
  const bool goes_on = resume && std::filesystem::exists(path, error);
  STROP_ASSIGN_OR_RETURN(LogFile file, goes_on ? LogFile::Continue(path) : LogFile::Create(path));
  if (!goes_on) STROP_RETURN_IF_ERROR(file.Append(absl::StrCat(kHeader, "\n")));
  return std::make_unique<ScalarCsvSink>(std::move(file));
}

}  // namespace strop
