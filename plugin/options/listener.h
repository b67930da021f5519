#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace strop {

// Who is told what an operation notices on its way. Front ends show it; nothing beneath them
// prints. By default nobody listens.
struct Listener {
  // A line that explains what was done: "3 BatchNormalizations are folded into the layer before".
  std::function<void(const std::string& line)> note = [](const std::string&) {};
  // A line about what went wrong and ends nothing: a checkpoint that could not be written.
  std::function<void(const std::string& line)> warning = [](const std::string&) {};
  // A line that says where it stands: from which checkpoint a run goes on.
  std::function<void(const std::string& line)> status = [](const std::string&) {};
  // Long work: `done` of `total`, which is its end; 0: nobody knows. What is told first was done
  // before. Other work, or the operation's end, ends it too.
  std::function<void(const std::string& work, int64_t done, int64_t total)> progress =
      [](const std::string&, int64_t, int64_t) {};

  // A note, unless there is nothing to say.
  void TellNote(const std::string& line) const {
    if (!line.empty()) note(line);
  }
  void TellNotes(const std::vector<std::string>& lines) const {
    for (const std::string& line : lines) note(line);
  }
};

}  // namespace strop
