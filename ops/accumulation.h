#pragma once

#include "ops/op_definition.h"

namespace strop {

extern const OpFamily kAccumulation;

}  // namespace strop
