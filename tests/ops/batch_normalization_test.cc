#include <gtest/gtest.h>

#include "tests/ops/op_case.h"

namespace strop {
namespace {

OpCase BatchNormalization(Shape x, bool training, Attributes attributes = {}) {
  const int64_t channels = x.size() == 1 ? 1 : x[1];
  OpCase row;
  row.op = "BatchNormalization";
  row.inputs = {Uniform(std::move(x), -1, 3), Uniform({channels}), Uniform({channels}),
                Uniform({channels}), Uniform({channels}, 0.5, 2)};
  row.attributes = std::move(attributes);
  if (training) {
    row.attributes.Set("training_mode", int64_t{1});
    row.output_count = 3;
  }
  return row;
}

TEST(BatchNormalization, WithGivenStatistics) {
  CheckOp(BatchNormalization({3, 4, 5, 2}, false));
  CheckOp(BatchNormalization({2, 3, 7}, false, {{"epsilon", 0.1}}));
  CheckOp(BatchNormalization({4, 5}, false));
  CheckOp(BatchNormalization({6}, false));
  CheckOp(BatchNormalization({2, 3, 2, 3, 2}, false));
}

TEST(BatchNormalization, GradientToTheInputAlone) {
  OpCase row = BatchNormalization({3, 4, 5, 2}, false);
  row.gradients = {0};
  CheckOp(row);
}

TEST(BatchNormalization, WithTheBatchsOwnStatistics) {
  CheckOp(BatchNormalization({3, 4, 5, 2}, true));
  CheckOp(BatchNormalization({2, 3, 7}, true, {{"epsilon", 0.1}, {"momentum", 0.3}}));
  CheckOp(BatchNormalization({4, 5}, true));
  CheckOp(BatchNormalization({6}, true));
  CheckOp(BatchNormalization({2, 17, 40, 33}, true));
}

// Every combination of outputs through which something flows back.
TEST(BatchNormalization, SomeCotangents) {
  for (const std::vector<size_t>& cotangents :
       std::vector<std::vector<size_t>>{{0}, {1}, {2}, {0, 1}, {0, 2}, {1, 2}}) {
    OpCase row = BatchNormalization({3, 2, 4}, true);
    row.cotangents = cotangents;
    const bool through_output = cotangents[0] == 0;
    row.gradients = {0};
    if (through_output) row.gradients = {0, 1, 2};
    CheckOp(row);
  }
}

TEST(BatchNormalization, RunningStatisticsAreTheSpecs) {
  OpCase row = BatchNormalization({2, 1, 2}, true, {{"momentum", 0.75}});
  row.inputs[0] = Fixed(Tensor::FromVector<float>({2, 1, 2}, {1, 2, 3, 6}));
  row.inputs[3] = Fixed(Tensor::FromVector<float>({1}, {8}));
  row.inputs[4] = Fixed(Tensor::FromVector<float>({1}, {2}));
  const std::vector<Tensor> outputs = RunInDouble(row);
  ASSERT_EQ(outputs.size(), 3u);
  // Mean 3, population variance (4 + 1 + 0 + 9)/4.
  EXPECT_DOUBLE_EQ(outputs[1].elements<double>()[0], 0.75 * 8 + 0.25 * 3);
  EXPECT_DOUBLE_EQ(outputs[2].elements<double>()[0], 0.75 * 2 + 0.25 * 3.5);
}

TEST(BatchNormalization, EmptyBatch) {
  OpCase row = BatchNormalization({0, 3, 4}, false);
  CheckOp(row);
}

}  // namespace
}  // namespace strop
