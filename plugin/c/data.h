#pragma once

#include "plugin/data/given_data.h"
#include "strop/strop.h"

// Data of the caller's. Copies share the arrays.
struct strop_data {
  strop::GivenData given;
};
