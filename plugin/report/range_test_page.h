#pragma once

#include <string>

#include "plugin/report/page.h"
#include "plugin/training/exploration/range_test.h"

namespace strop {

// The curve of a learning rate range test with what it suggests. `settings` says what was tested:
// model and optimizer. The rates are on a logarithmic axis unless they grew linearly.
Page RangeTestPage(const RangeTestCurve& curve, RangeTestOptions::Mode mode,
                   const std::string& settings);

// The losses that a drawing of the curve is to show: from a little below the lowest to a little
// above where it began, so that a loss that explodes flattens nothing.
struct LossRange {
  double low = 0;
  double high = 0;
};
LossRange RangeToShow(const RangeTestCurve& curve);

}  // namespace strop
