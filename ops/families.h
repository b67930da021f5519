#pragma once

#include "ops/op_definition.h"

namespace strop {

// One constant a source file of the same name; families.cc lists them for the registry.
extern const OpFamily kActivation;
extern const OpFamily kArithmetic;
extern const OpFamily kGemm;
extern const OpFamily kMatMul;

}  // namespace strop
