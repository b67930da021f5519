#pragma once

#include <string>
#include <vector>

namespace strop {

// Of the finite numbers; NaN when there is none.
double Mean(const std::vector<double>& values);
double Median(std::vector<double> values);
// Of a sample; 0 for fewer than two.
double Deviation(const std::vector<double>& values);
double GeometricMean(const std::vector<double>& values);

// The means of several runs' curves, position by position, as long as the longest.
std::vector<double> MeanCurve(const std::vector<std::vector<double>>& curves);
// 1, 2, … count
std::vector<double> Count(size_t count);

// For people: four significant digits; "—" for NaN.
std::string Number(double value);
// "93.1 % ± 0.4", of shares; the deviation only where there are several.
std::string PercentOf(const std::vector<double>& shares);
std::string Percent(double share);

}  // namespace strop
