#include "plugin/monitor/tensorboard/tensorboard_sink.h"

#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "graph/status_macros.h"
#include "plugin/monitor/tensorboard/event_file.h"
#include "plugin/monitor/tensorboard/tensorboard_events.h"

namespace strop {
namespace {

double Now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// TensorBoard reads the files of a run in the order of their names, which begin with the time.
std::string NewEventFile(const std::string& directory) {
  char host[256] = "localhost";
  gethostname(host, sizeof(host) - 1);
  std::string path;
  std::error_code error;
  int count = 0;
  do {
    path = absl::StrFormat("%s/events.out.tfevents.%010d.%s.%d.%d", directory,
                           static_cast<int64_t>(Now()), host, getpid(), count++);
  } while (std::filesystem::exists(path, error));
  return path;
}

class TensorBoardSink : public RecordSink {
 public:
  TensorBoardSink(std::string directory, const std::optional<ResumePoint>& resume)
      : directory_(std::move(directory)), resume_(resume) {}

  // The file of the run itself, and those that go on.
  absl::Status Begin() {
    STROP_RETURN_IF_ERROR(Open(""));
    for (const char* run : {"train", "validation"}) {
      std::error_code error;
      const bool goes_on = resume_ && std::filesystem::exists(FolderOf(run), error);
      if (goes_on) STROP_RETURN_IF_ERROR(Open(run));
    }
    return absl::OkStatus();
  }

  absl::Status Write(const Record& record) override {
    STROP_ASSIGN_OR_RETURN(const auto events, EventsOf(record));
    for (const auto& [run, event] : events) {
      if (!files_.contains(run)) STROP_RETURN_IF_ERROR(Open(run));
      STROP_RETURN_IF_ERROR(files_.at(run).Append(event.SerializeAsString()));
    }
    return absl::OkStatus();
  }

  absl::Status Flush() override {
    for (auto& [run, file] : files_) STROP_RETURN_IF_ERROR(file.Flush());
    return absl::OkStatus();
  }

 private:
  std::string FolderOf(const std::string& run) const {
    return run.empty() ? directory_ : absl::StrCat(directory_, "/", run);
  }

  absl::Status Open(const std::string& run) {
    std::error_code error;  // creating the file says what is wrong
    std::filesystem::create_directories(FolderOf(run), error);
    STROP_ASSIGN_OR_RETURN(EventFile file, EventFile::Create(NewEventFile(FolderOf(run))));
    tensorboard::Event version;
    version.set_wall_time(Now());
    version.set_file_version("brain.Event:2");
    STROP_RETURN_IF_ERROR(file.Append(version.SerializeAsString()));
    if (resume_) {
      tensorboard::Event start;
      start.set_wall_time(Now());
      start.set_step(resume_->step + 1);
      start.mutable_session_log()->set_status(tensorboard::SessionLog::START);
      STROP_RETURN_IF_ERROR(file.Append(start.SerializeAsString()));
    }
    files_.emplace(run, std::move(file));
    return absl::OkStatus();
  }

  std::string directory_;
  std::optional<ResumePoint> resume_;
  std::map<std::string, EventFile> files_;  // by run; opened when something goes there
};

}  // namespace

absl::StatusOr<std::unique_ptr<RecordSink>> OpenTensorBoard(
    const std::string& directory, const std::optional<ResumePoint>& resume) {
  auto sink = std::make_unique<TensorBoardSink>(directory, resume);
  STROP_RETURN_IF_ERROR(sink->Begin());
  return sink;
}

}  // namespace strop
