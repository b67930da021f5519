#pragma once

#include "plugin/monitor/page.h"
#include "plugin/monitor/run_records.h"

namespace strop {

// A run on one page: how it went, what its layers did, what it cost, how to run it again. What the
// records lack is said in its place.
Page ReportPage(const RunRecords& run);

}  // namespace strop
