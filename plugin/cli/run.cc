// strop run: inference, every model input by name in, every output by name out.

#include "plugin/operations/run.h"

#include <memory>

#include "plugin/cli/command.h"
#include "plugin/cli/terminal/terminal_listener.h"

namespace strop {

Command RunCommand() {
  const auto options = std::make_shared<RunOptions>();
  options->model.listener = options->data.listener = TerminalListener();
  Command command{.name = kRun.name,
                  .help = kRun.help,
                  .footer =
                      "Example: strop run model.onnx --inputs in.npz -o out.npz\n"
                      "Or:      strop run model.onnx --data pictures/ --resize 224x224 -o out.npz",
                  .run = [options] { return RunModel(*options).status(); }};
  AddRunModelOptions(*command.options, *options);
  return command;
}

}  // namespace strop
