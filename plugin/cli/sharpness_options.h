#pragma once

#include <CLI/App.hpp>

#include "plugin/training/sharpness.h"

namespace strop {

void AddSharpnessOptions(CLI::App& app, SharpnessOptions& options);

}  // namespace strop
