#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "graph/tensor.h"

namespace strop {

// Errors of a regression, of samples that count as often as they weigh. Every element of a sample is an output of its own; metrics are means over
// the outputs, as scikit-learn's multioutput="uniform_average". NaN while nothing was seen.
class RegressionErrors {
 public:
  void Reset() { *this = RegressionErrors(); }
  // [samples, …]; InvalidArgument when samples have another number of elements than before.
  // `sample_weights` [samples]; empty: ones.
  absl::Status Add(const Tensor& prediction, const Tensor& target,
                   absl::Span<const double> sample_weights = {});

  double MeanAbsoluteError() const;
  double RootMeanSquaredError() const;  // mean of each output's root
  // 1 − Σ w (t − y)² / Σ w (t − mean(t))². Of a constant target it is 1 when every prediction is exact
  // and 0 otherwise; NaN below two samples.
  double R2() const;

 private:
  struct Output {
    double absolute = 0;
    double squared = 0;
    double mean = 0;       // of the targets
    double deviation = 0;  // Σ w (t − mean)², updated after Welford and West
    double weight = 0;
  };
  int64_t count_ = 0;  // of samples
  std::vector<Output> outputs_;
};

}  // namespace strop
