#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace strop {

// A program that prints lines, in a process group of its own. Ends with the object.
class TrialProcess {
 public:
  // Starts command[0], a path; its errors go to the file `log`. ResourceExhausted when the system
  // refuses.
  static absl::StatusOr<TrialProcess> Start(const std::vector<std::string>& command,
                                            const std::string& log);
  TrialProcess(TrialProcess&& other) noexcept;
  TrialProcess& operator=(TrialProcess&&) = delete;
  ~TrialProcess();

  // To poll for reading.
  int output() const { return output_; }
  // The whole lines that have come since the last call, which waits when there is nothing; sets
  // `has_ended` once there will be no more.
  std::vector<std::string> ReadLines(bool& has_ended);
  // Asks it to end.
  void Stop();
  // After its end: the exit code, or 128 + the signal that ended it.
  int Wait();

 private:
  TrialProcess(pid_t process, int output) : process_(process), output_(output) {}
  void Kill();

  pid_t process_ = -1;  // -1: waited for
  int output_ = -1;
  std::string pending_;  // the begin of a line
};

}  // namespace strop
