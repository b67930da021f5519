#include <gtest/gtest.h>

#include <cmath>

#include "tests/ops/op_case.h"

namespace strop {
namespace {

void CheckRange(const std::string& op, double low, double high, std::vector<double> kinks = {}) {
  for (const Shape& shape : {Shape{}, Shape{0, 3}, Shape{3, 5}, Shape{2, 3, 17}, Shape{9001}}) {
    CheckOp({.op = op, .inputs = {Uniform(shape, low, high, kinks)}});
  }
}

TEST(UnaryMath, Neg) { CheckRange("Neg", -2, 2); }
TEST(UnaryMath, Abs) { CheckRange("Abs", -2, 2, {0}); }
TEST(UnaryMath, Reciprocal) { CheckRange("Reciprocal", 0.5, 2); }
TEST(UnaryMath, Exp) { CheckRange("Exp", -3, 3); }
TEST(UnaryMath, Log) { CheckRange("Log", 0.5, 4); }
TEST(UnaryMath, Sqrt) { CheckRange("Sqrt", 0.5, 4); }
TEST(UnaryMath, Erf) { CheckRange("Erf", -3, 3); }
TEST(UnaryMath, Sin) { CheckRange("Sin", -6, 6); }
TEST(UnaryMath, Cos) { CheckRange("Cos", -6, 6); }
TEST(UnaryMath, Tan) { CheckRange("Tan", -1, 1); }
TEST(UnaryMath, Asin) { CheckRange("Asin", -0.8, 0.8); }
TEST(UnaryMath, Acos) { CheckRange("Acos", -0.8, 0.8); }
TEST(UnaryMath, Atan) { CheckRange("Atan", -3, 3); }
TEST(UnaryMath, Sinh) { CheckRange("Sinh", -2, 2); }
TEST(UnaryMath, Cosh) { CheckRange("Cosh", -2, 2); }
TEST(UnaryMath, Asinh) { CheckRange("Asinh", -3, 3); }
TEST(UnaryMath, Acosh) { CheckRange("Acosh", 1.5, 4); }
TEST(UnaryMath, Atanh) { CheckRange("Atanh", -0.8, 0.8); }

std::vector<double> Apply(const std::string& op, InputCase input) {
  const std::vector<Tensor> results = RunInDouble({.op = op, .inputs = {std::move(input)}});
  return results.empty() ? std::vector<double>() : *NumericElements(results[0]);
}

TEST(UnaryMath, Steps) {
  using Numbers = std::vector<double>;
  const Tensor x = Tensor::FromVector<double>({6}, {-2.5, -1.2, 0.0, 0.5, 1.5, 2.7});
  EXPECT_EQ(Apply("Floor", Fixed(x)), (Numbers{-3, -2, 0, 0, 1, 2}));
  EXPECT_EQ(Apply("Ceil", Fixed(x)), (Numbers{-2, -1, 0, 1, 2, 3}));
  EXPECT_EQ(Apply("Round", Fixed(x)), (Numbers{-2, -1, 0, 0, 2, 3}));
  EXPECT_EQ(Apply("Sign", Fixed(x)), (Numbers{-1, -1, 0, 1, 1, 1}));
}

TEST(UnaryMath, Integers) {
  using Numbers = std::vector<double>;
  const Tensor x = Tensor::FromVector<int8_t>({4}, {-128, -3, 0, 7});
  EXPECT_EQ(Apply("Neg", Fixed(x)), (Numbers{-128, 3, 0, -7}));
  EXPECT_EQ(Apply("Abs", Fixed(x)), (Numbers{-128, 3, 0, 7}));
  EXPECT_EQ(Apply("Sign", Fixed(x)), (Numbers{-1, -1, 0, 1}));
  EXPECT_EQ(Apply("Relu", Fixed(x)), (Numbers{0, 0, 0, 7}));
  EXPECT_EQ(Apply("Abs", Fixed(Tensor::FromVector<uint32_t>({1}, {4000000000u}))),
            (Numbers{4000000000.0}));
}

}  // namespace
}  // namespace strop
