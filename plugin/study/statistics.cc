#include "plugin/study/statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace strop {
namespace {

std::vector<double> Finite(const std::vector<double>& values) {
  std::vector<double> finite;
  for (const double value : values) {
    if (std::isfinite(value)) finite.push_back(value);
  }
  return finite;
}

}  // namespace

double Mean(const std::vector<double>& values) {
  const std::vector<double> finite = Finite(values);
  if (finite.empty()) return std::numeric_limits<double>::quiet_NaN();
  return std::accumulate(finite.begin(), finite.end(), 0.0) / static_cast<double>(finite.size());
}

double Median(std::vector<double> values) {
  std::vector<double> finite = Finite(values);
  if (finite.empty()) return std::numeric_limits<double>::quiet_NaN();
  std::sort(finite.begin(), finite.end());
  return finite[finite.size() / 2];
}

double Deviation(const std::vector<double>& values) {
  const std::vector<double> finite = Finite(values);
  if (finite.size() < 2) return 0;
  const double mean = Mean(finite);
  double squares = 0;
  for (const double value : finite) squares += (value - mean) * (value - mean);
  return std::sqrt(squares / static_cast<double>(finite.size() - 1));
}

double GeometricMean(const std::vector<double>& values) {
  std::vector<double> logarithms;
  for (const double value : values) {
    if (value == 0) return 0;
    logarithms.push_back(std::log(value));
  }
  return std::exp(Mean(logarithms));
}

std::vector<double> MeanCurve(const std::vector<std::vector<double>>& curves) {
  size_t length = 0;
  for (const std::vector<double>& curve : curves) length = std::max(length, curve.size());
  std::vector<double> means;
  for (size_t i = 0; i < length; ++i) {
    std::vector<double> values;
    for (const std::vector<double>& curve : curves) {
      if (i < curve.size()) values.push_back(curve[i]);
    }
    means.push_back(Mean(values));
  }
  return means;
}

std::vector<double> Count(size_t count) {
  std::vector<double> numbers(count);
  std::iota(numbers.begin(), numbers.end(), 1.0);
  return numbers;
}

std::string Number(double value) {
  if (std::isnan(value)) return "—";
  const bool is_plain = std::abs(value) >= 1e4 && std::abs(value) < 1e7;
  return is_plain ? absl::StrFormat("%.0f", value) : absl::StrFormat("%.4g", value);
}

std::string Percent(double share) {
  return std::isnan(share) ? "—" : absl::StrFormat("%.1f %%", 100 * share);
}

std::string PercentOf(const std::vector<double>& shares) {
  const std::string mean = Percent(Mean(shares));
  if (shares.size() < 2 || std::isnan(Mean(shares))) return mean;
  return absl::StrFormat("%s ± %.1f", mean, 100 * Deviation(shares));
}

}  // namespace strop
