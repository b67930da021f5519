#include "plugin/monitor/json_lines_sink.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "graph/status_macros.h"
#include "plugin/monitor/log_file.h"
#include "plugin/monitor/record_line.h"

namespace strop {
namespace {

using Json = nlohmann::json;

class JsonLinesSink : public RecordSink {
 public:
  explicit JsonLinesSink(LogFile file) : file_(std::move(file)) {}

  absl::Status Write(const Record& record) override {
    return file_.Append(JsonLineOf(record) + '\n');
  }
  absl::Status Flush() override { return file_.Flush(); }

 private:
  LogFile file_;
};

// Whether a line stays when the run goes on from `resume`. The end of an epoch has the step of its
// last batch, yet a checkpoint of that step may stand before it.
bool Holds(std::string_view line, const ResumePoint& resume) {
  const Json record = Json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!record.is_object() || record.value("step", int64_t{0}) > resume.step) return false;
  const std::string name = record.value("kind", "");
  const auto* kind = std::find_if(kRecordKinds.begin(), kRecordKinds.end(),
                                  [&name](const RecordKind& kind) { return kind.name == name; });
  if (kind == kRecordKinds.end()) return true;  // of a later version
  if (kind->is_of_run_end) return false;
  return !kind->is_of_epoch_end || record.value("epoch", int64_t{0}) <= resume.epochs;
}

}  // namespace

absl::StatusOr<std::unique_ptr<RecordSink>> OpenJsonLines(
    const std::string& path, const std::optional<ResumePoint>& resume) {
  if (resume) {
    STROP_RETURN_IF_ERROR(
        KeepLines(path, [&resume](std::string_view line) { return Holds(line, *resume); }));
  }
  STROP_ASSIGN_OR_RETURN(LogFile file, resume ? LogFile::Continue(path) : LogFile::Create(path));
  return std::make_unique<JsonLinesSink>(std::move(file));
}

}  // namespace strop
