#include "plugin/tune/trial_process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"

extern char** environ;

namespace strop {

absl::StatusOr<TrialProcess> TrialProcess::Start(const std::vector<std::string>& command,
                                                 const std::string& log) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    return absl::ResourceExhaustedError(absl::StrCat("tune: no pipe: ", strerror(errno)));
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, log.c_str(),
                                   O_WRONLY | O_CREAT | O_TRUNC, 0644);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);  // a ^C reaches the tuner alone
  posix_spawnattr_setpgroup(&attributes, 0);
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  pid_t process = -1;
  const int error =
      posix_spawn(&process, arguments[0], &actions, &attributes, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  close(ends[1]);
  if (error == 0) return TrialProcess(process, ends[0]);
  close(ends[0]);
  return absl::ResourceExhaustedError(
      absl::StrCat("tune: \"", command[0], "\" cannot be started: ", strerror(error)));
}

TrialProcess::TrialProcess(TrialProcess&& other) noexcept
    : process_(std::exchange(other.process_, -1)),
      output_(std::exchange(other.output_, -1)),
      pending_(std::move(other.pending_)) {}

TrialProcess::~TrialProcess() {
  if (process_ >= 0) {
    Kill();
    Wait();
  }
  if (output_ >= 0) close(output_);
}

std::vector<std::string> TrialProcess::ReadLines(bool& has_ended) {
  char bytes[4096];
  ssize_t count = 0;
  do {
    count = read(output_, bytes, sizeof(bytes));
  } while (count < 0 && errno == EINTR);
  has_ended = count <= 0;
  if (count > 0) pending_.append(bytes, static_cast<size_t>(count));
  std::vector<std::string> lines;
  for (size_t end = pending_.find('\n'); end != std::string::npos; end = pending_.find('\n')) {
    lines.push_back(pending_.substr(0, end));
    pending_.erase(0, end + 1);
  }
  return lines;
}

void TrialProcess::Stop() {
  if (process_ >= 0) kill(process_, SIGTERM);
}

void TrialProcess::Kill() {
  if (process_ >= 0) kill(process_, SIGKILL);
}

int TrialProcess::Wait() {
  int status = 0;
  while (waitpid(process_, &status, 0) < 0 && errno == EINTR) {
  }
  process_ = -1;
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace strop
