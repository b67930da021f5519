#pragma once

#include <cstdint>
#include <map>
#include <vector>

namespace strop {

// Asynchronous successive halving in the form that stops trials (Li et al., "A System for Massively
// Parallel Hyperparameter Tuning", 2020; Ray Tune's ASHAScheduler): rungs at min_epochs ·
// reduction^k, at each of which a trial goes on only while it is in the best 1/reduction of all
// that came so far.
class SuccessiveHalving {
 public:
  // reduction from 2 on, min_epochs from 1 on.
  SuccessiveHalving(int64_t reduction, int64_t min_epochs, bool is_higher_better)
      : reduction_(reduction), min_epochs_(min_epochs), is_higher_better_(is_higher_better) {}

  // Tells a trial's value after an epoch, NaN the worst; whether the trial goes on.
  bool GoesOn(int64_t epoch, double value);

 private:
  bool IsRung(int64_t epoch) const;

  int64_t reduction_;
  int64_t min_epochs_;
  bool is_higher_better_;
  std::map<int64_t, std::vector<double>> rungs_;  // by epoch: values, better ones lower
};

}  // namespace strop
