#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace strop {

// Where opening data tells how it goes; either may be empty.
struct DataListener {
  // A line for the user: how the data are read, and what is left out.
  std::function<void(const std::string& line)> on_note;
  // Pictures that were checked.
  std::function<void(int64_t done, int64_t total)> on_progress;

  void Note(const std::string& line) const {
    if (on_note) on_note(line);
  }
};

// "1 picture", "2 pictures".
inline std::string Counted(int64_t count, const std::string& one, const std::string& several) {
  return std::to_string(count) + " " + (count == 1 ? one : several);
}

}  // namespace strop
