#pragma once

#include <string>
#include <vector>

#include "plugin/options/table/option_set.h"
#include "plugin/training/metrics/evaluate.h"

namespace strop {

// --metric, which takes the names of metric_table.h.
Option MetricOption(std::vector<std::string>& metrics);

// The confusion matrix for people: a row a true class, a column a predicted one. Classes without a
// name go by their number.
std::string ConfusionMatrixTable(const std::vector<std::vector<int64_t>>& matrix,
                                 absl::Span<const std::string> class_names);

}  // namespace strop
