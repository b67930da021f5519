#include "plugin/training/run/shuffle.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
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

// Of 1,000 lengths at random from 1 to 100, in batches of 8 and a last one of 5.
TEST(GroupedByLength, MakesBatchesOfLikeLengthInMixedOrder) {
  std::vector<int64_t> lengths;
  for (int64_t i = 0; i < 1005; ++i) lengths.push_back(1 + i * 7919 % 100);
  const std::vector<int64_t> order = ShuffledOrder(1005, 3, 1);
  const std::vector<int64_t> grouped = GroupedByLength(order, lengths, 8, 3, 1);
  EXPECT_TRUE(std::is_permutation(grouped.begin(), grouped.end(), order.begin(), order.end()));
  EXPECT_EQ(grouped, GroupedByLength(order, lengths, 8, 3, 1));
  EXPECT_NE(grouped, GroupedByLength(order, lengths, 8, 3, 2));
  const auto longest = [&](const std::vector<int64_t>& samples) {
    std::vector<int64_t> of_batches;
    for (size_t i = 0; i < samples.size(); ++i) {
      if (i % 8 == 0) of_batches.push_back(0);
      of_batches.back() = std::max(of_batches.back(), lengths[static_cast<size_t>(samples[i])]);
    }
    return of_batches;
  };
  const auto computed = [&](const std::vector<int64_t>& samples) {
    int64_t positions = 0;
    for (const int64_t length : longest(samples)) positions += 8 * length;
    return static_cast<double>(positions);
  };
  const double needed = static_cast<double>(std::accumulate(lengths.begin(), lengths.end(), 0));
  EXPECT_GT(computed(order) / needed, 1.6);
  EXPECT_LT(computed(grouped) / needed, 1.1);
  // Long and short batches come in no order.
  const std::vector<int64_t> full = longest({grouped.begin(), grouped.begin() + 1000});
  int rising = 0;
  for (size_t i = 1; i < full.size(); ++i) rising += full[i] > full[i - 1] ? 1 : 0;
  EXPECT_GT(rising, 40);
  EXPECT_LT(rising, 85);
}

TEST(GroupedByLength, KeepsAFewSamplesAndABatchThatIsNotFull) {
  EXPECT_EQ(GroupedByLength({2, 0, 1}, {5, 6, 7}, 8, 3, 1), (std::vector<int64_t>{2, 1, 0}));
  EXPECT_TRUE(GroupedByLength({}, {}, 8, 3, 1).empty());
}

}  // namespace
}  // namespace strop
