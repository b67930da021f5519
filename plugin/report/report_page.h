#pragma once

#include "plugin/report/page.h"
#include "plugin/report/run_records.h"

namespace strop {

// A run on one page: how it went, what its layers did, what it cost, how to run it again. What the
// records lack is said in its place.
Page ReportPage(const RunRecords& run);

}  // namespace strop
