#ifndef STROP_PROGRAM_HPP_
#define STROP_PROGRAM_HPP_

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "strop/options.hpp"
#include "strop/tensor.hpp"
#include "strop/trainer.hpp"

namespace strop {
inline namespace interface {

// "0.1.0"
inline std::string Version() { return strop_version(); }

// Every operator of a file that Strop lacks, as JSON: [] when the file can be loaded.
inline std::string Obstacles(const std::filesystem::path& path) {
  return detail::MadeText([&](strop_bytes** json) { return strop_obstacles(path.c_str(), json); });
}

// What `strop OPERATION` does with files: predict, tune, landscape, new, export, … Options that
// have a place have capitals: {"MODEL", "m.onnx"}. Gives what --json prints of it.
inline std::string Perform(const std::string& operation, const Options& options = {},
                           Listener listener = {}, const Callbacks& callbacks = {}) {
  const std::vector<strop_option> list = detail::COptions(options);
  const strop_listener heard = detail::CListener(listener);
  const strop_callbacks asked = detail::CCallbacks(callbacks);
  return detail::MadeText([&](strop_bytes** json) {
    return strop_perform(operation.c_str(), list.data(), list.size(), &heard, &asked, json);
  });
}

// Every option of every operation, as JSON.
inline std::string ListOptions() { return detail::MadeText(strop_list_options); }

}  // namespace interface
}  // namespace strop

#endif  // STROP_PROGRAM_HPP_
