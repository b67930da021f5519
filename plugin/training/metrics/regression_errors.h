#pragma once

#include <vector>

#include "absl/status/status.h"
#include "graph/tensor.h"

namespace strop {

// Errors of a regression. Every element of a sample is an output of its own; metrics are means over
// the outputs, as scikit-learn's multioutput="uniform_average". NaN while nothing was seen.
class RegressionErrors {
 public:
  void Reset() { *this = RegressionErrors(); }
  // [samples, …]; InvalidArgument when samples have another number of elements than before.
  absl::Status Add(const Tensor& prediction, const Tensor& target);

  double MeanAbsoluteError() const;
  double RootMeanSquaredError() const;  // mean of each output's root
  // 1 − Σ (t − y)² / Σ (t − mean(t))². Of a constant target it is 1 when every prediction is exact
  // and 0 otherwise; NaN below two samples.
  double R2() const;

 private:
  struct Output {
    double absolute = 0;
    double squared = 0;
    double mean = 0;       // of the targets
    double deviation = 0;  // Σ (t − mean)², updated after Welford
  };
  double count_ = 0;
  std::vector<Output> outputs_;
};

}  // namespace strop
