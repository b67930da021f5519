#pragma once

#include <string>

#include "plugin/options/landscape_options.h"
#include "plugin/report/landscape_page.h"

namespace strop {

// Prints the losses at the centre and on the grid, and where things lie: for people, or as a JSON
// line. `grid` is the file of the numbers.
void PrintSummary(const LandscapeArguments& arguments, const std::string& grid,
                  const Landscape& landscape);

}  // namespace strop
