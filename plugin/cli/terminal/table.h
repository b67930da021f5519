#pragma once

#include <string>
#include <vector>

namespace strop {

// Prints rows of equally many cells to stdout, in columns that are as wide as they need.
void PrintTable(const std::vector<std::vector<std::string>>& rows);

}  // namespace strop
