#pragma once

#include "absl/types/span.h"
#include "plugin/report/page.h"
#include "plugin/report/run_records.h"

namespace strop {

// Several runs on one page: their curves over each other, and the options in which they differ.
Page ComparisonPage(absl::Span<const RunRecords> runs);

}  // namespace strop
