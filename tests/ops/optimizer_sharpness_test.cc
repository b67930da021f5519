#include <gtest/gtest.h>

#include "ops/core/registry.h"
#include "tests/ops/op_case.h"

namespace strop {
namespace {

OpCase Row(const Shape& shape, double norm, int64_t adaptive) {
  return {.op = "SharpnessAscent",
          .inputs = {Uniform(shape), Uniform(shape), Fixed(Tensor::Scalar<double>(norm))},
          .attributes = {{"rho", 0.25}, {"adaptive", adaptive}},
          .domain = std::string(kStropDomain),
          .check_gradient = false};
}

TEST(Sharpness, RunsAsItsTypeRuleSays) {
  for (const Shape& shape : {Shape{}, Shape{0}, Shape{1, 1}, Shape{5, 3, 7, 2}, Shape{20000}}) {
    for (const int64_t adaptive : {0, 1}) CheckOp(Row(shape, 2, adaptive));
  }
}

TEST(Sharpness, AscendsByRho) {
  for (const int64_t adaptive : {0, 1}) {
    OpCase row = Row({2}, 0.5, adaptive);
    row.inputs[0] = Fixed(Tensor::FromVector<double>({2}, {2, -3}));
    row.inputs[1] = Fixed(Tensor::FromVector<double>({2}, {0.3, 0.4}));
    const std::vector<double> moved = *NumericElements(RunInDouble(row)[0]);
    EXPECT_NEAR(moved[0], 2 + 0.5 * 0.3 * (adaptive ? 4 : 1), 1e-11);
    EXPECT_NEAR(moved[1], -3 + 0.5 * 0.4 * (adaptive ? 9 : 1), 1e-11);
  }
  // A gradient of zeros leads nowhere.
  OpCase row = Row({1}, 0, 0);
  row.inputs[0] = Fixed(Tensor::FromVector<double>({1}, {2}));
  row.inputs[1] = Fixed(Tensor::FromVector<double>({1}, {0}));
  EXPECT_EQ(NumericElements(RunInDouble(row)[0])->front(), 2);
}

}  // namespace
}  // namespace strop
