#include "plugin/training/graph/loss_table.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "graph/graph.h"
#include "ops/core/registry.h"

namespace strop {
namespace {

TEST(LossTable, RowsNameWhatThereIs) {
  std::set<std::string_view> names;
  std::set<LossKind> kinds;
  for (const LossRow& loss : kLosses) {
    SCOPED_TRACE(std::string(loss.name));
    EXPECT_TRUE(names.insert(loss.name).second);
    EXPECT_TRUE(kinds.insert(loss.kind).second);
    const OpDefinition* const op = FindOp(kStropDomain, loss.op);
    ASSERT_NE(op, nullptr);
    EXPECT_EQ(op->differentiability_of(0), Differentiability::kDifferentiable);
    for (const LossNumber& number : loss.numbers) {
      if (number.option.empty()) continue;
      ASSERT_NE(number.field, nullptr);
      EXPECT_EQ(LossOptions().*number.field, number.initial) << number.option;
      EXPECT_FALSE(number.meaning.empty()) << number.option;
      EXPECT_TRUE(!number.attribute.empty() || op->maximum_inputs > 2) << number.option;
    }
  }
}

TEST(LossTable, KnowsWhatALossHas) {
  const LossRow& cross_entropy = kLosses[0];
  EXPECT_TRUE(cross_entropy.has("label_smoothing"));
  EXPECT_TRUE(cross_entropy.has("class_weights"));
  EXPECT_FALSE(cross_entropy.has("huber_delta"));
}

}  // namespace
}  // namespace strop
