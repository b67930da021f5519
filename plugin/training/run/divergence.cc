#include "plugin/training/run/divergence.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"

namespace strop {
namespace {

constexpr size_t kWindow = 32;

double Median(std::vector<double> numbers) {
  const auto middle = numbers.begin() + static_cast<std::ptrdiff_t>(numbers.size() / 2);
  std::nth_element(numbers.begin(), middle, numbers.end());
  return *middle;
}

}  // namespace

bool RunsAway(double loss, double factor, LossHistory& history) {
  if (factor <= 0) return false;
  if (history.recent.size() == kWindow) history.recent.erase(history.recent.begin());
  history.recent.push_back(loss);
  if (history.recent.size() < kWindow) return false;
  const double median = Median(history.recent);
  if (!history.start_median) {
    history.start_median = median;
    history.lowest_median = median;
  }
  history.lowest_median = std::min(history.lowest_median, median);
  return median > *history.start_median && median > factor * history.lowest_median;
}

std::string Divergence::Describe() const {
  char rate[32];
  std::snprintf(rate, sizeof(rate), "%.1g", learning_rate / 10);
  return absl::StrCat("train: diverged at step ", step, " (epoch ", epoch,
                      loss ? absl::StrCat(", loss ", *loss) : "", "): ", cause,
                      "; try --learning-rate ", rate, " (", learning_rate,
                      " now) or --clip-norm 1, or look for extreme values in the data");
}

absl::StatusOr<std::string> DescribeLargest(const std::vector<std::string>& names,
                                            const StateStore& store) {
  std::string largest;
  double size = -1;
  for (const std::string& name : names) {
    STROP_ASSIGN_OR_RETURN(const Tensor tensor, store.Read(name));
    STROP_ASSIGN_OR_RETURN(const std::vector<double> elements, NumericElements(tensor));
    for (const double element : elements) {
      if (std::abs(element) <= size) continue;
      size = std::abs(element);
      largest = name;
    }
  }
  return absl::StrCat("the largest weight is ", size, ", in \"", largest, "\"");
}

}  // namespace strop
