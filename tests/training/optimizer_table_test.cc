#include "plugin/training/optimization/optimizer_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <string>

#include "graph/graph.h"
#include "ops/core/registry.h"

namespace strop {
namespace {

TEST(OptimizerTable, RowsNameWhatThereIs) {
  std::set<std::string_view> numbers;
  std::set<std::string_view> flags;
  for (const auto& option : kOptimizerNumbers) EXPECT_TRUE(numbers.insert(option.name).second);
  for (const auto& option : kOptimizerFlags) EXPECT_TRUE(flags.insert(option.name).second);
  std::set<std::string_view> names;
  for (const OptimizerRow& row : kOptimizers) {
    SCOPED_TRACE(std::string(row.name));
    EXPECT_TRUE(names.insert(row.name).second);
    EXPECT_GT(row.learning_rate, 0);
    for (const OptimizerNumber& number : row.numbers) {
      EXPECT_TRUE(number.option.empty() || numbers.contains(number.option)) << number.option;
    }
    for (const std::string_view flag : row.flags) {
      EXPECT_TRUE(flag.empty() || flags.contains(flag)) << flag;
    }
    for (const Moment& moment : row.moments) {
      EXPECT_TRUE(moment.kept_with.empty() || row.has(moment.kept_with)) << moment.name;
      EXPECT_TRUE(moment.first_value.empty() || row.has(moment.first_value)) << moment.name;
    }
  }
}

// An operator takes as many moments as the row can keep.
TEST(OptimizerTable, UpdatesAreOperators) {
  for (const OptimizerRow& row : kOptimizers) {
    SCOPED_TRACE(std::string(row.name));
    const OpDefinition* const update = FindOp(kStropDomain, row.update);
    ASSERT_NE(update, nullptr);
    const auto moments = std::count_if(std::begin(row.moments), std::end(row.moments),
                                       [](const Moment& moment) { return !moment.name.empty(); });
    const auto kept = std::count_if(
        std::begin(row.moments), std::end(row.moments),
        [](const Moment& moment) { return !moment.name.empty() && moment.kept_with.empty(); });
    EXPECT_LE(2 + moments, update->maximum_outputs);
    EXPECT_GE(2 + kept, update->minimum_outputs);
  }
}

}  // namespace
}  // namespace strop
