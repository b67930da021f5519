#pragma once

#include <utility>

#include "plugin/python/calls.h"
#include "strop/strop.hpp"

namespace strop {

// A Model in Python's hands, and whose turn it is to use it.
struct PythonModel {
  explicit PythonModel(Model&& loaded) : model(std::move(loaded)) {}

  Model model;
  Turn turn;
};

}  // namespace strop
