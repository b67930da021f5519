#pragma once

#include <utility>
#include <vector>

#include "plugin/python/arrays.h"
#include "strop/strop.hpp"

namespace strop {

// Data in Python's hands, and what keeps the elements where they are read.
struct PythonData {
  PythonData(std::vector<Array> arrays, Data&& made)
      : kept(std::move(arrays)), data(std::move(made)) {}

  std::vector<Array> kept;
  Data data;
};

}  // namespace strop
