#pragma once

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "plugin/data/data_source.h"

namespace strop {

// y = (x · unit − mean[c]) / std[c] of the numbers of one field. Channel c of a sample's i-th
// number is i / inner % channels.
struct FieldNormalization {
  size_t field = 0;
  double unit = 1;
  std::vector<double> mean;  // [channels]
  std::vector<double> std;   // [channels]
  int64_t inner = 1;
};

// Views `source` with these fields normalized, in float64, on demand. InvalidArgument naming the
// row where one of them holds NaN or infinity.
absl::StatusOr<std::unique_ptr<DataSource>> NormalizeArrays(
    std::unique_ptr<DataSource> source, std::vector<FieldNormalization> normalizations);

}  // namespace strop
