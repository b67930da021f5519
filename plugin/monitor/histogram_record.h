#pragma once

#include <string>

#include "plugin/monitor/record.h"
#include "plugin/training/graph/step_statistics.h"

namespace strop {

// A step's histogram as it is recorded: buckets below 1/4096 of the largest one are put together,
// so are every two of the others, and empty ones at the ends are left out. That keeps at most a
// hundred of 1,281.
Histogram HistogramOf(const std::string& tag, const TensorMeasurement& measured);

}  // namespace strop
