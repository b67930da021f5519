// What a study decides from numbers that scatter.

#include "plugin/study/statistics.h"

#include <gtest/gtest.h>

#include <cmath>

namespace strop {
namespace {

// Numbers of deviation 1 about a mean.
std::vector<double> Three(double mean) { return {mean - 1, mean, mean + 1}; }

// scipy.stats.t.ppf(0.95, 2) / sqrt(3) is 1.68585, t.ppf(0.95, 1) · 0.5 is 3.15688 and, of five
// numbers of deviation sqrt(2.5), t.ppf(0.95, 4) · sqrt(0.5) is 1.50744.
TEST(Verdict, IsStudentsTest) {
  EXPECT_EQ(IsAbove(Three(1.69)), Verdict::kAgrees);
  EXPECT_EQ(IsAbove(Three(1.68)), Verdict::kUndecided);
  EXPECT_EQ(IsAbove(Three(-1.68)), Verdict::kUndecided);
  EXPECT_EQ(IsAbove(Three(-1.69)), Verdict::kDiffers);
  EXPECT_EQ(IsAbove({3.16 - 0.5, 3.16 + 0.5}), Verdict::kAgrees);
  EXPECT_EQ(IsAbove({3.15 - 0.5, 3.15 + 0.5}), Verdict::kUndecided);
  const auto five = [](double mean) {
    return std::vector<double>{mean - 2, mean - 1, mean, mean + 1, mean + 2};
  };
  EXPECT_EQ(IsAbove(five(1.508)), Verdict::kAgrees);
  EXPECT_EQ(IsAbove(five(1.507)), Verdict::kUndecided);
}

TEST(Verdict, OneSeedDecidesNothing) {
  EXPECT_EQ(IsAbove({100}), Verdict::kUndecided);
  EXPECT_EQ(IsAbove({100, std::nan("")}), Verdict::kUndecided);
  EXPECT_EQ(AllSay({true}), Verdict::kUndecided);
  EXPECT_EQ(IsAbove({100, 100}), Verdict::kAgrees);
}

TEST(Verdict, TakesAllSeedsAndBothParts) {
  EXPECT_EQ(AllSay({true, true}), Verdict::kAgrees);
  EXPECT_EQ(AllSay({true, false}), Verdict::kUndecided);
  EXPECT_EQ(AllSay({false, false}), Verdict::kDiffers);
  EXPECT_EQ(Both(Verdict::kAgrees, Verdict::kUndecided), Verdict::kUndecided);
  EXPECT_EQ(Both(Verdict::kUndecided, Verdict::kDiffers), Verdict::kDiffers);
  EXPECT_EQ(Both(Verdict::kAgrees, Verdict::kAgrees), Verdict::kAgrees);
}

TEST(Differences, ArePairs) {
  EXPECT_EQ(Differences({3, std::nan(""), 1}, {1, 1, 2}), (std::vector<double>{2, -1}));
  EXPECT_EQ(WithError({1, 2, 3}), "2 ± 0.58");
}

}  // namespace
}  // namespace strop
