#include "plugin/tune/halving.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace strop {

bool SuccessiveHalving::IsRung(int64_t epoch) const {
  int64_t rung = min_epochs_;
  while (rung < epoch && rung <= std::numeric_limits<int64_t>::max() / reduction_) {
    rung *= reduction_;
  }
  return rung == epoch;
}

bool SuccessiveHalving::GoesOn(int64_t epoch, double value) {
  if (!IsRung(epoch)) return true;
  double cost = is_higher_better_ ? -value : value;
  if (std::isnan(cost)) cost = std::numeric_limits<double>::infinity();
  std::vector<double>& rung = rungs_[epoch];
  rung.push_back(cost);
  const auto better =
      std::count_if(rung.begin(), rung.end(), [cost](double other) { return other < cost; });
  const auto kept = std::max<int64_t>(1, static_cast<int64_t>(rung.size()) / reduction_);
  return better < kept;
}

}  // namespace strop
