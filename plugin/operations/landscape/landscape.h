#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/status/statusor.h"
#include "plugin/operations/landscape/landscape_options.h"
#include "plugin/operations/operation.h"
#include "plugin/report/landscape_page.h"

namespace strop {

inline constexpr OperationTitle kLandscape = {
    "landscape", "The loss around the trained weights, as a page, pictures and numbers"};

// What was measured, and where it lies.
struct LandscapeOutcome {
  Landscape landscape;
  double least_loss = 0;  // of the grid's numbers; NaN where none is one
  double greatest_loss = 0;
  std::string page;
  std::string grid;
};

// The loss around trained weights, over a plane of random directions or of a training's path.
// Cancelled when `should_stop`, which may be null, says so; the same call then goes on.
absl::StatusOr<LandscapeOutcome> MeasureLandscape(const LandscapeArguments& arguments,
                                                  const std::function<bool()>& should_stop);

nlohmann::ordered_json ToJson(const LandscapeOutcome& outcome);

Operation LandscapeOperation();

}  // namespace strop
