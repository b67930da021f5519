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

// The 95th percentile of Student's t distribution.
double StudentBound(size_t degrees) {
  static constexpr double kBounds[] = {6.314, 2.920, 2.353, 2.132, 2.015, 1.943, 1.895, 1.860,
                                       1.833, 1.812, 1.796, 1.782, 1.771, 1.761, 1.753, 1.746,
                                       1.740, 1.734, 1.729, 1.725, 1.721, 1.717, 1.714, 1.711,
                                       1.708, 1.706, 1.703, 1.701, 1.699, 1.697};
  return degrees <= std::size(kBounds) ? kBounds[degrees - 1] : kBounds[std::size(kBounds) - 1];
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

double StandardError(const std::vector<double>& values) {
  return Deviation(values) / std::sqrt(static_cast<double>(Finite(values).size()));
}

std::vector<double> Differences(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> differences;
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    if (std::isfinite(a[i]) && std::isfinite(b[i])) differences.push_back(a[i] - b[i]);
  }
  return differences;
}

std::vector<double> Above(const std::vector<double>& values, double bound) {
  return Differences(values, std::vector<double>(values.size(), bound));
}

std::vector<double> Below(const std::vector<double>& values, double bound) {
  return Differences(std::vector<double>(values.size(), bound), values);
}

std::vector<double> LogarithmsOf(const std::vector<double>& shares) {
  constexpr double kLeast = 1e-45;
  std::vector<double> logarithms;
  for (const double share : shares) logarithms.push_back(std::log(std::max(share, kLeast)));
  return logarithms;
}

Verdict IsAbove(const std::vector<double>& margins) {
  const std::vector<double> finite = Finite(margins);
  if (finite.size() < 2) return Verdict::kUndecided;
  const double bound = StudentBound(finite.size() - 1) * StandardError(finite);
  const double mean = Mean(finite);
  if (mean > bound) return Verdict::kAgrees;
  return mean < -bound ? Verdict::kDiffers : Verdict::kUndecided;
}

Verdict AllSay(const std::vector<bool>& answers) {
  if (answers.size() < 2) return Verdict::kUndecided;
  const auto yes = std::count(answers.begin(), answers.end(), true);
  if (yes == static_cast<std::ptrdiff_t>(answers.size())) return Verdict::kAgrees;
  return yes == 0 ? Verdict::kDiffers : Verdict::kUndecided;
}

Verdict Exactly(bool agrees) { return agrees ? Verdict::kAgrees : Verdict::kDiffers; }

Verdict Both(Verdict a, Verdict b) {
  if (a == Verdict::kDiffers || b == Verdict::kDiffers) return Verdict::kDiffers;
  return a == Verdict::kAgrees ? b : a;
}

std::string WithError(const std::vector<double>& values) {
  return absl::StrCat(Number(Mean(values)), " ± ", absl::StrFormat("%.2g", StandardError(values)));
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
