#include "plugin/options/sharpness_options.h"

namespace strop {

void AddSharpnessOptions(OptionSet& options, SharpnessOptions& sharpness) {
  options.Add("Optimizer",
              {{.name = "sam-rho",
                .target = &sharpness.rho,
                .value_name = "RHO",
                .range = kAboveZero,
                .help = "Sharpness-aware minimization: step by the gradient where the loss is "
                        "highest within RHO of the weights, 0.05 say; a step takes twice the time"},
               {.name = "sam-adaptive",
                .target = &sharpness.adaptive,
                .needs = {"sam-rho"},
                .help = "Measure that distance relative to each weight (ASAM), with a RHO of 0.5 "
                        "say"}});
}

}  // namespace strop
