// strop gradient: the vector–Jacobian product of a model.

#include "plugin/operations/gradient.h"

#include <memory>

#include "plugin/cli/command.h"
#include "plugin/cli/terminal/terminal_listener.h"

namespace strop {

Command GradientCommand() {
  const auto options = std::make_shared<GradientOptions>();
  options->model.listener = TerminalListener();
  Command command{.name = kGradient.name,
                  .help = kGradient.help,
                  .footer =
                      "Example: strop gradient model.onnx --inputs in.npz "
                      "--output-gradients dy.npz -o grads.npz",
                  .run = [options] { return ComputeGradients(*options).status(); }};
  AddGradientOptions(*command.options, *options);
  return command;
}

}  // namespace strop
