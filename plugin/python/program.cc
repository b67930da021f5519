#include "plugin/python/calls.h"
#include "plugin/python/module.h"
#include "plugin/python/types.h"

namespace strop {
namespace {

namespace nb = nanobind;
using namespace nb::literals;

std::string PerformOperation(const std::string& operation, const OptionPairs& options,
                             LineFunction note, LineFunction warning, ProgressFunction progress,
                             StopFunction should_stop) {
  Listener listener = ListenerOf(std::move(note), std::move(warning), std::move(progress));
  const Callbacks callbacks = CallbacksOf(nb::none(), nb::none(), std::move(should_stop));
  const nb::gil_scoped_release released;
  return Perform(operation, OptionsOf(options), std::move(listener), callbacks);
}

}  // namespace

void AddProgram(nb::module_& module) {
  module.def("perform", &PerformOperation, "operation"_a, "options"_a = OptionPairs(),
             "note"_a = nb::none(), "warning"_a = nb::none(), "progress"_a = nb::none(),
             "should_stop"_a = nb::none(),
             "What `strop OPERATION` does with files; gives its JSON.");
  module.def(
      "obstacles",
      [](const PathText& path) {
        const std::filesystem::path file = PathOf(path);
        const nb::gil_scoped_release released;
        return Obstacles(file);
      },
      "path"_a, "What stands in the way of loading and training a file, as JSON.");
  module.def(
      "list_options",
      [] {
        const nb::gil_scoped_release released;
        return ListOptions();
      },
      "Every option of every operation, as JSON.");
  module.def("version", &Version);
}

}  // namespace strop
