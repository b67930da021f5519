#ifndef STROP_OPTIONS_HPP_
#define STROP_OPTIONS_HPP_

#include <charconv>
#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "strop/error.hpp"

namespace strop {
inline namespace interface {

// An option as on the command line, without dashes: {"loss", "mse"}, {"epochs", 5}, {"nesterov"}.
struct Option {
  std::string name;
  std::optional<std::string> value;  // none: a switch, on

  Option(std::string option) : name(std::move(option)) {}  // implicit: {"nesterov"}
  Option(const char* option) : name(option) {}
  Option(std::string option, std::string text) : name(std::move(option)), value(std::move(text)) {}
  // A number in the shortest text that reads back as it; true or false of a switch.
  template <typename Number>
  requires std::is_arithmetic_v<Number> Option(std::string option, Number number)
      : name(std::move(option)) {
    if constexpr (std::is_same_v<Number, bool>) {
      value = number ? "true" : "false";
    } else {
      char text[32];
      const std::to_chars_result end = std::to_chars(text, text + sizeof(text), number);
      value.emplace(text, end.ptr);
    }
  }
};

using Options = std::vector<Option>;

// Who hears what a call notices; what is empty hears nothing.
struct Listener {
  std::function<void(const std::string& line)> note = {};     // what was done, and why
  std::function<void(const std::string& line)> warning = {};  // what went wrong and ends nothing
  std::function<void(const std::string& work, int64_t done, int64_t total)> progress = {};
};

namespace detail {

// Looks into `options`, which have to stay.
inline std::vector<strop_option> COptions(const Options& options) {
  std::vector<strop_option> list;
  list.reserve(options.size());
  for (const Option& option : options) {
    list.push_back({option.name.c_str(), option.value ? option.value->c_str() : nullptr});
  }
  return list;
}

// `listener` is the context, and has to stay.
inline strop_listener CListener(Listener& listener) {
  strop_listener c_listener = {&listener, nullptr, nullptr, nullptr};
  if (listener.note) {
    c_listener.note = [](void* context, const char* line) {
      Carry([&] { static_cast<Listener*>(context)->note(line); });
    };
  }
  if (listener.warning) {
    c_listener.warning = [](void* context, const char* line) {
      Carry([&] { static_cast<Listener*>(context)->warning(line); });
    };
  }
  if (listener.progress) {
    c_listener.progress = [](void* context, const char* work, int64_t done, int64_t total) {
      Carry([&] { static_cast<Listener*>(context)->progress(work, done, total); });
    };
  }
  return c_listener;
}

// The handle that `call` makes for a listener, which stays as long as the handle.
template <typename Handle, typename Call>
std::shared_ptr<Handle> MadeWith(Listener&& listener, void (*free)(Handle*), const Call& call) {
  struct Kept {
    Listener listener;
    std::shared_ptr<Handle> handle;
  };
  const auto kept = std::make_shared<Kept>(Kept{std::move(listener), nullptr});
  const strop_listener heard = CListener(kept->listener);
  kept->handle = Made<Handle>(free, [&](Handle** handle) { return call(heard, handle); });
  return std::shared_ptr<Handle>(kept, kept->handle.get());
}

}  // namespace detail
}  // namespace interface
}  // namespace strop

#endif  // STROP_OPTIONS_HPP_
