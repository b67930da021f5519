#pragma once

#include <nanobind/nanobind.h>

#include "strop/strop.hpp"

namespace strop {

// Python's function(outputs, target, wants_gradients), or None for no loss: of arrays by name and
// one array, copies that it may keep, it gives the mean loss and ∂loss/∂output by name, whose
// elements are taken as they are; of an output that it leaves out, zeros. ValueError for a gradient
// of another type or shape than its output's. Ctrl-C waits for the end of the step.
Loss LossOf(nanobind::object function);

}  // namespace strop
