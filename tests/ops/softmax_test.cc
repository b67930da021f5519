#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/ops/op_case.h"

namespace strop {
namespace {

void CheckAxes(const std::string& op) {
  for (const int64_t axis : {-3, -2, -1, 0, 1, 2}) {
    CheckOp({.op = op, .inputs = {Uniform({3, 4, 5})}, .attributes = {{"axis", axis}}});
  }
  CheckOp({.op = op, .inputs = {Uniform({4, 10})}});
  CheckOp({.op = op, .inputs = {Uniform({7})}});
  CheckOp({.op = op, .inputs = {Uniform({5, 1})}});
  CheckOp({.op = op, .inputs = {Uniform({0, 3})}});
  CheckOp({.op = op, .inputs = {Uniform({33, 1000}, -8, 8)}});
  CheckOp({.op = op, .inputs = {Uniform({2, 5, 130})}, .attributes = {{"axis", int64_t{1}}}});
}

TEST(Softmax, Softmax) { CheckAxes("Softmax"); }
TEST(Softmax, LogSoftmax) { CheckAxes("LogSoftmax"); }

// A masked score has probability 0 exactly, in the fast kernel too.
TEST(Softmax, MaskedScores) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  std::vector<float> scores(40, -kInfinity);
  scores[3] = 1000;
  scores[17] = 1000;
  scores[39] = -1e9f;
  CheckOp({.op = "Softmax",
           .inputs = {Fixed(Tensor::FromVector<float>({40}, scores))},
           .check_gradient = false});
  const std::vector<Tensor> results =
      RunInDouble({.op = "Softmax", .inputs = {Fixed(Tensor::FromVector<float>({40}, scores))}});
  ASSERT_EQ(results.size(), 1u);
  const auto probabilities = results[0].elements<double>();
  EXPECT_EQ(probabilities[3], 0.5);
  EXPECT_EQ(probabilities[39], 0.0);
}

TEST(Softmax, HardmaxTakesTheFirstMaximum) {
  const Tensor x = Tensor::FromVector<double>({2, 3}, {1, 5, 5, 7, 2, 0});
  const std::vector<Tensor> rows = RunInDouble({.op = "Hardmax", .inputs = {Fixed(x)}});
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(*NumericElements(rows[0]), (std::vector<double>{0, 1, 0, 1, 0, 0}));
  const std::vector<Tensor> columns =
      RunInDouble({.op = "Hardmax", .inputs = {Fixed(x)}, .attributes = {{"axis", int64_t{0}}}});
  EXPECT_EQ(*NumericElements(columns[0]), (std::vector<double>{0, 1, 1, 1, 0, 0}));
}

}  // namespace
}  // namespace strop
