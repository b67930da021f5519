#include "plugin/options/sharpness_options.h"

#include <CLI/Validators.hpp>

namespace strop {

void AddSharpnessOptions(CLI::App& app, SharpnessOptions& options) {
  const std::string group = "Optimizer";
  CLI::Option* rho =
      app.add_option("--sam-rho", options.rho,
                     "Sharpness-aware minimization: step by the gradient where the loss is "
                     "highest within RHO of the weights, 0.05 say; a step takes twice the time")
          ->type_name("RHO")
          ->check(CLI::PositiveNumber)
          ->group(group);
  app.add_flag("--sam-adaptive", options.adaptive,
               "Measure that distance relative to each weight (ASAM), with a RHO of 0.5 say")
      ->needs(rho)
      ->group(group);
}

}  // namespace strop
