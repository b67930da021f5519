#pragma once

#include <string_view>

#include "ops/core/kernel.h"
#include "ops/core/op_definition.h"

namespace strop {

// The definition of an update op (operands: ops/training/optimizer_step.h) that keeps at least
// `minimum_moments` moments, and at most `maximum_moments`.
OpDefinition UpdateOperator(std::string_view name, int minimum_moments, int maximum_moments,
                            KernelFactory kernel);

}  // namespace strop
