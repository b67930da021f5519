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

// What the seeds say of a claim.
enum class Verdict {
  kAgrees,
  kDiffers,
  kUndecided,  // they scatter by more than it takes
};

// Of a mean.
double StandardError(const std::vector<double>& values);

// a[i] − b[i], of pairs that are both finite: runs of the same seed, or timed one after the other.
std::vector<double> Differences(const std::vector<double>& a, const std::vector<double>& b);

// How far numbers are above a bound, or below it: margins for IsAbove.
std::vector<double> Above(const std::vector<double>& values, double bound);
std::vector<double> Below(const std::vector<double>& values, double bound);
// Natural logarithms of shares; what float32 cannot hold counts as the least that it can.
std::vector<double> LogarithmsOf(const std::vector<double>& shares);

// Whether numbers, one per seed, are above 0 by more than their scatter explains: Student's
// one-sided test at 5 %, either way. One seed says nothing of the scatter, and so decides nothing.
Verdict IsAbove(const std::vector<double>& margins);
// The same of yes or no, which all seeds have to say.
Verdict AllSay(const std::vector<bool>& answers);
// Of numbers that do not depend on the seed.
Verdict Exactly(bool agrees);
// A claim of two parts.
Verdict Both(Verdict a, Verdict b);

// "0.012 ± 0.003": the mean and its standard error.
std::string WithError(const std::vector<double>& values);

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
