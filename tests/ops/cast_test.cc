#include <gtest/gtest.h>

#include <cmath>

#include "ops/core/registry.h"
#include "tests/ops/op_case.h"

namespace strop {
namespace {

using Numbers = std::vector<double>;

Attributes To(DataType type) { return {{"to", static_cast<int64_t>(type)}}; }

std::vector<double> Convert(Tensor x, DataType type) {
  const std::vector<Tensor> results =
      RunInDouble({.op = "Cast", .inputs = {Fixed(std::move(x))}, .attributes = To(type)});
  if (results.empty()) return {};
  EXPECT_EQ(results[0].type(), type);
  return *NumericElements(results[0]);
}

TEST(Cast, FloatingToIntegers) {
  const Tensor x = Tensor::FromVector<double>({5}, {-1.9, -0.5, 0.5, 2.9, 300.2});
  EXPECT_EQ(Convert(x, DataType::kInt32), (Numbers{-1, 0, 0, 2, 300}));
  EXPECT_EQ(Convert(x, DataType::kUint8), (Numbers{255, 0, 0, 2, 44}));
  EXPECT_EQ(Convert(x, DataType::kBool), (Numbers{1, 1, 1, 1, 1}));
}

TEST(Cast, WhatDoesNotFit) {
  const Tensor x = Tensor::FromVector<double>({4}, {NAN, 1e30, -1e30, 9.3e18});
  EXPECT_EQ(Convert(x, DataType::kInt64),
            (Numbers{0, 9223372036854775807.0, -9223372036854775808.0, 9223372036854775807.0}));
  EXPECT_EQ(Convert(x, DataType::kUint64)[3], 9.3e18);
}

TEST(Cast, Integers) {
  const Tensor x = Tensor::FromVector<int64_t>({4}, {-1, 0, 200, 70000});
  EXPECT_EQ(Convert(x, DataType::kInt8), (Numbers{-1, 0, -56, 112}));
  EXPECT_EQ(Convert(x, DataType::kUint16), (Numbers{65535, 0, 200, 4464}));
  EXPECT_EQ(Convert(x, DataType::kDouble), (Numbers{-1, 0, 200, 70000}));
  EXPECT_EQ(Convert(x, DataType::kBool), (Numbers{1, 0, 1, 1}));
}

TEST(Cast, HalfTypes) {
  const Tensor x = Tensor::FromVector<double>({3}, {1.0 / 3, 65520, -2});
  const Numbers half = Convert(x, DataType::kFloat16);
  EXPECT_EQ(half[0], 0.333251953125);
  EXPECT_TRUE(std::isinf(half[1]));
  EXPECT_EQ(Convert(x, DataType::kBFloat16), (Numbers{0.333984375, 65536, -2}));
}

TEST(Cast, GradientIsCastBack) {
  CheckOp({.op = "Cast", .inputs = {Uniform({3, 4})}, .attributes = To(DataType::kDouble)});
  CheckOp({.op = "CastLike",
           .inputs = {Uniform({3, 4}), Fixed(Tensor::Scalar<double>(1))},
           .gradients = {0}});
}

TEST(Cast, RefusesStrings) {
  Graph graph;
  const ValueId x = graph.AddInput("x", {DataType::kFloat, Shape{2}});
  const auto outputs = AppendNode(graph, {"names", "", "Cast", To(DataType::kString), {x}, {}}, 1);
  EXPECT_EQ(outputs.status().code(), absl::StatusCode::kUnimplemented);
}

}  // namespace
}  // namespace strop
