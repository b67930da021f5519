#pragma once

#include <string>
#include <vector>

#include "importer/importer.h"

namespace strop {

// The symbolic names of a graph input's or output's dimensions as the file declares them, empty
// where it names none; nothing without a declared shape.
std::vector<std::string> DimensionNames(const ImportedModel& model, const std::string& value);

}  // namespace strop
