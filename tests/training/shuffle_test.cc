#include "plugin/training/run/shuffle.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace strop {
namespace {

TEST(Shuffle, IsAPermutationOfSeedAndEpoch) {
  const std::vector<int64_t> order = ShuffledOrder(1000, 3, 1);
  const std::set<int64_t> seen(order.begin(), order.end());
  EXPECT_EQ(seen.size(), 1000u);
  EXPECT_EQ(*seen.begin(), 0);
  EXPECT_EQ(*seen.rbegin(), 999);
  EXPECT_EQ(order, ShuffledOrder(1000, 3, 1));
  EXPECT_NE(order, ShuffledOrder(1000, 3, 2));
  EXPECT_NE(order, ShuffledOrder(1000, 4, 1));
  EXPECT_TRUE(ShuffledOrder(0, 3, 1).empty());
  // Every place is as likely: the mean place of sample 0 over many epochs lies in the middle.
  double sum = 0;
  for (uint64_t epoch = 0; epoch < 2000; ++epoch) {
    const std::vector<int64_t> drawn = ShuffledOrder(11, 9, epoch);
    sum += static_cast<double>(std::find(drawn.begin(), drawn.end(), 0) - drawn.begin());
  }
  EXPECT_NEAR(sum / 2000, 5, 0.3);
}

}  // namespace
}  // namespace strop
