#pragma once

#include <CLI/App.hpp>

#include "plugin/training/optimization/sharpness.h"

namespace strop {

void AddSharpnessOptions(CLI::App& app, SharpnessOptions& options);

}  // namespace strop
