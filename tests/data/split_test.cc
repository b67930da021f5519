#include "plugin/data/split.h"

#include <gtest/gtest.h>

#include <set>

#include "plugin/data/arrays/array_source.h"

namespace strop {
namespace {

std::shared_ptr<DataSource> Numbers(int64_t count) {
  std::vector<int64_t> numbers;
  for (int64_t i = 0; i < count; ++i) numbers.push_back(i);
  return *ArraySource::Create("test", {{"x", Tensor::FromVector({count}, numbers)}});
}

std::vector<int64_t> All(DataSource& source) {
  std::vector<int64_t> indices;
  for (int64_t i = 0; i < source.sample_count(); ++i) indices.push_back(i);
  std::vector<Tensor> batch = source.MakeBatch(source.sample_count());
  EXPECT_TRUE(source.Read(indices, absl::MakeSpan(batch)).ok());
  const auto elements = batch[0].elements<int64_t>();
  return {elements.begin(), elements.end()};
}

TEST(SplitForValidation, GivesEverySampleToOneSide) {
  const auto split = SplitForValidation(Numbers(101), 0.2, 7);
  ASSERT_TRUE(split.ok()) << split.status();
  std::vector<int64_t> training = All(*split->training);
  const std::vector<int64_t> validation = All(*split->validation);
  EXPECT_EQ(validation.size(), 20u);
  std::set<int64_t> seen(training.begin(), training.end());
  seen.insert(validation.begin(), validation.end());
  EXPECT_EQ(seen.size(), 101u);
}

TEST(SplitForValidation, DependsOnTheSeedAlone) {
  const auto validation = [](uint64_t seed) {
    return All(*SplitForValidation(Numbers(50), 0.3, seed)->validation);
  };
  EXPECT_EQ(validation(1), validation(1));
  EXPECT_NE(validation(1), validation(2));
}

TEST(SplitForValidation, RefusesAnEmptySide) {
  EXPECT_FALSE(SplitForValidation(Numbers(3), 0.1, 0).ok());
  EXPECT_FALSE(SplitForValidation(Numbers(3), 0.9, 0).ok());
  EXPECT_FALSE(SplitForValidation(Numbers(3), 0, 0).ok());
}

}  // namespace
}  // namespace strop
