#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <atomic>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <vector>

#include "plugin/python/types.h"
#include "strop/strop.hpp"

namespace strop {

// Names without dashes, and values; None: a switch, on.
using OptionPairs = std::vector<std::tuple<std::string, std::optional<std::string>>>;

Options OptionsOf(const OptionPairs& pairs);
// Text of the library's, of which bytes of a path, say, need not be UTF-8.
nanobind::object TextOf(std::string_view text);
// TypeError for what names no file.
std::filesystem::path PathOf(const PathText& path);

// Functions of Python, or None. `progress(work, done, total)`.
Listener ListenerOf(nanobind::object note, nanobind::object warning, nanobind::object progress);

// Callbacks of a run: on_step and on_epoch are given dicts, should_stop gives whether to end. After
// every step signals are looked at, so that Ctrl-C ends the run with KeyboardInterrupt.
Callbacks CallbacksOf(nanobind::object on_step, nanobind::object on_epoch,
                      nanobind::object should_stop);

StepRecord GiveStep(const Step& step);

// A model and its trainers are for one call at a time. Other threads wait for their turn.
class Turn {
 public:
  // STROP_USAGE within a call of the same thread: in its callbacks.
  void Begin() {
    if (owner_ == std::this_thread::get_id()) {
      throw Error(STROP_USAGE,
                  "the model is in use by the call that made this callback, expected one that is "
                  "not; call it when that has returned");
    }
    mutex_.lock();
    owner_ = std::this_thread::get_id();
  }
  void End() {
    owner_ = std::thread::id();
    mutex_.unlock();
  }

 private:
  std::mutex mutex_;
  std::atomic<std::thread::id> owner_ = std::thread::id();
};

// Does `work`, which touches nothing of Python's, without the interpreter's lock and in turn.
template <typename Work>
auto InTurn(Turn& turn, const Work& work) {
  const nanobind::gil_scoped_release released;
  turn.Begin();
  struct End {
    Turn& turn;
    ~End() { turn.End(); }
  } const end{turn};
  return work();
}

}  // namespace strop
