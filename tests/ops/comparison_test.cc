#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/ops/op_case.h"

namespace strop {
namespace {

using Numbers = std::vector<double>;

std::vector<double> Apply(const std::string& op, std::vector<InputCase> inputs,
                          Attributes attributes = {}) {
  const std::vector<Tensor> results =
      RunInDouble({.op = op, .inputs = std::move(inputs), .attributes = std::move(attributes)});
  return results.empty() ? std::vector<double>() : *NumericElements(results[0]);
}

template <typename T>
InputCase Elements(Shape shape, std::vector<T> elements) {
  return Fixed(Tensor::FromVector<T>(std::move(shape), elements));
}

// Bytes of a bool tensor as a careless file holds them.
InputCase Bools(Shape shape, const std::vector<uint8_t>& bytes) {
  Tensor tensor(DataType::kBool, std::move(shape));
  std::memcpy(tensor.mutable_data(), bytes.data(), bytes.size());
  return Fixed(std::move(tensor));
}

TEST(Comparison, Numbers) {
  const InputCase a = Elements<float>({2, 3}, {1, 2, 3, 4, 5, 6});
  const InputCase b = Elements<float>({3}, {1, 5, 3});
  EXPECT_EQ(Apply("Equal", {a, b}), (Numbers{1, 0, 1, 0, 1, 0}));
  EXPECT_EQ(Apply("Less", {a, b}), (Numbers{0, 1, 0, 0, 0, 0}));
  EXPECT_EQ(Apply("LessOrEqual", {a, b}), (Numbers{1, 1, 1, 0, 1, 0}));
  EXPECT_EQ(Apply("Greater", {a, b}), (Numbers{0, 0, 0, 1, 0, 1}));
  EXPECT_EQ(Apply("GreaterOrEqual", {a, b}), (Numbers{1, 0, 1, 1, 1, 1}));
  EXPECT_EQ(Apply("Less", {Elements<uint8_t>({2}, {200, 1}), Elements<uint8_t>({}, {100})}),
            (Numbers{0, 1}));
  CheckOp({.op = "Less", .inputs = {Uniform({7, 5000}), Uniform({7, 1})}});
}

TEST(Comparison, Logic) {
  const InputCase a = Bools({4}, {0, 0, 1, 2});
  const InputCase b = Bools({4}, {0, 1, 0, 1});
  EXPECT_EQ(Apply("And", {a, b}), (Numbers{0, 0, 0, 1}));
  EXPECT_EQ(Apply("Or", {a, b}), (Numbers{0, 1, 1, 1}));
  EXPECT_EQ(Apply("Xor", {a, b}), (Numbers{0, 1, 1, 0}));
  EXPECT_EQ(Apply("Equal", {a, b}), (Numbers{1, 0, 0, 1}));
  EXPECT_EQ(Apply("Not", {a}), (Numbers{1, 1, 0, 0}));
}

TEST(Comparison, Bitwise) {
  const InputCase a = Elements<int16_t>({3}, {12, -1, 0});
  const InputCase b = Elements<int16_t>({3}, {10, 6, 5});
  EXPECT_EQ(Apply("BitwiseAnd", {a, b}), (Numbers{8, 6, 0}));
  EXPECT_EQ(Apply("BitwiseOr", {a, b}), (Numbers{14, -1, 5}));
  EXPECT_EQ(Apply("BitwiseXor", {a, b}), (Numbers{6, -7, 5}));
  EXPECT_EQ(Apply("BitwiseNot", {Elements<uint8_t>({2}, {0, 250})}), (Numbers{255, 5}));
}

TEST(Comparison, SpecialNumbers) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const InputCase x = Elements<double>({4}, {1, NAN, kInfinity, -kInfinity});
  EXPECT_EQ(Apply("IsNaN", {x}), (Numbers{0, 1, 0, 0}));
  EXPECT_EQ(Apply("IsInf", {x}), (Numbers{0, 0, 1, 1}));
  EXPECT_EQ(Apply("IsInf", {x}, {{"detect_negative", int64_t{0}}}), (Numbers{0, 0, 1, 0}));
  EXPECT_EQ(Apply("IsInf", {x}, {{"detect_positive", int64_t{0}}}), (Numbers{0, 0, 0, 1}));
}

TEST(Comparison, Where) {
  CheckOp({.op = "Where",
           .inputs = {Bools({2, 3}, {1, 0, 2, 0, 1, 0}), Uniform({2, 3}), Uniform({2, 3})}});
  CheckOp({.op = "Where", .inputs = {Bools({3, 1}, {1, 0, 1}), Uniform({4}), Uniform({2, 1, 4})}});
  CheckOp({.op = "Where", .inputs = {Bools({}, {1}), Uniform({5}), Uniform({})}});
  EXPECT_EQ(Apply("Where",
                  {Bools({2}, {1, 0}), Elements<int64_t>({2}, {1, 2}), Elements<int64_t>({}, {9})}),
            (Numbers{1, 9}));
}

TEST(Extremum, MaxAndMin) {
  for (const char* op : {"Max", "Min"}) {
    CheckOp({.op = op, .inputs = {Uniform({3, 4})}});
    CheckOp({.op = op, .inputs = {Uniform({3, 4}, 0, 1), Uniform({3, 4}, 1.1, 2)}});
    CheckOp({.op = op, .inputs = {Distinct({4, 3, 5}), Uniform({3, 1}, 3, 4)}});
    CheckOp({.op = op,
             .inputs = {Uniform({5, 1}, -1, -0.5), Uniform({1, 3}, 0, 1), Uniform({}, 2, 3)}});
    EXPECT_TRUE(std::isnan(Apply(op, {Elements<double>({}, {1}), Elements<double>({}, {NAN})})[0]));
  }
  EXPECT_EQ(Apply("Max", {Elements<int8_t>({2}, {-3, 4}), Elements<int8_t>({}, {1})}),
            (Numbers{1, 4}));
  EXPECT_EQ(Apply("Min", {Elements<uint64_t>({2}, {3, 400}), Elements<uint64_t>({}, {7})}),
            (Numbers{3, 7}));
}

// torch.maximum splits a tie evenly.
TEST(Extremum, TiesShareTheGradient) {
  const InputCase tied = Elements<double>({2}, {1, 5});
  const std::vector<Tensor> gradients =
      RunInDouble({.op = "ExtremumGradient",
                   .inputs = {Elements<double>({2}, {8, 3}), Elements<double>({2}, {1, 6}), tied,
                              Elements<double>({2}, {1, 6})},
                   .attributes = {{"input", int64_t{0}}},
                   .domain = "strop"});
  ASSERT_EQ(gradients.size(), 1u);
  EXPECT_EQ(*NumericElements(gradients[0]), (Numbers{4, 0}));
}

TEST(Extremum, Clip) {
  const Shape shape = {3, 4000};
  CheckOp({.op = "Clip", .inputs = {Uniform(shape)}});
  CheckOp({.op = "Clip", .inputs = {Uniform(shape, -2, 2, {0.5}), Uniform({}, 0.5, 0.5)}});
  CheckOp({.op = "Clip", .inputs = {Uniform(shape, -2, 2, {0.5}), Absent(), Uniform({1}, .5, .5)}});
  CheckOp({.op = "Clip",
           .inputs = {Uniform(shape, -2, 2, {-1, 1}), Uniform({}, -1, -1), Uniform({}, 1, 1)}});
  // Bounds that cross: the upper one wins everywhere.
  CheckOp({.op = "Clip", .inputs = {Uniform(shape), Uniform({}, 1, 1), Uniform({}, -1, -1)}});
  EXPECT_EQ(
      Apply("Clip", {Elements<int32_t>({3}, {-5, 3, 99}), Absent(), Elements<int32_t>({}, {9})}),
      (Numbers{-5, 3, 9}));
}

TEST(Extremum, ClipBoundsPassTheGradient) {
  const std::vector<Tensor> gradients = RunInDouble(
      {.op = "ClipGradient",
       .inputs = {Elements<double>({4}, {1, 2, 3, 4}), Elements<double>({4}, {-1, 0, 1, 1.5}),
                  Elements<double>({}, {-1}), Elements<double>({}, {1})},
       .domain = "strop"});
  ASSERT_EQ(gradients.size(), 1u);
  EXPECT_EQ(*NumericElements(gradients[0]), (Numbers{1, 2, 3, 0}));
}

}  // namespace
}  // namespace strop
