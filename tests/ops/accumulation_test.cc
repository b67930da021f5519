#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "ops/core/registry.h"
#include "tests/ops/op_case.h"

namespace strop {
namespace {

OpCase Row(const std::string& op, const Shape& shape, double scalar) {
  return {.op = op,
          .inputs = {Uniform(shape), Uniform(shape), Fixed(Tensor::Scalar<double>(scalar))},
          .domain = std::string(kStropDomain),
          .check_gradient = false};
}

TEST(Accumulation, RunsAsItsTypeRuleSays) {
  for (const Shape& shape : {Shape{}, Shape{0}, Shape{1, 1}, Shape{5, 3, 7, 2}, Shape{20000}}) {
    for (const double scalar : {0.0, 0.25, 0.75, 1.0}) {
      CheckOp(Row("Accumulate", shape, scalar));
      CheckOp(Row("MoveAverage", shape, scalar));
    }
  }
}

std::vector<double> RunOn(const std::string& op, std::vector<double> a, std::vector<double> x,
                          double scalar) {
  const Shape shape = {static_cast<int64_t>(a.size())};
  OpCase row = Row(op, shape, scalar);
  row.inputs[0] = Fixed(Tensor::FromVector<double>(shape, std::move(a)));
  row.inputs[1] = Fixed(Tensor::FromVector<double>(shape, std::move(x)));
  return *NumericElements(RunInDouble(row)[0]);
}

TEST(Accumulation, SumsFromTheFirstOn) {
  EXPECT_EQ(RunOn("Accumulate", {1, 2}, {10, 20}, 1), std::vector<double>({11, 22}));
  // What is not kept does not matter, be it no number.
  EXPECT_EQ(RunOn("Accumulate", {std::nan(""), 2}, {10, 20}, 0), std::vector<double>({10, 20}));
}

TEST(Accumulation, TellsWhetherWhatItTakesIsFinite) {
  for (const double number : {1.0, 1e300, std::nan(""), -std::numeric_limits<double>::infinity()}) {
    OpCase row = Row("Accumulate", {2}, 1);
    row.inputs[1] = Fixed(Tensor::FromVector<double>({2}, {0, number}));
    row.output_count = 2;
    const double health = NumericElements(RunInDouble(row)[1])->front();
    EXPECT_EQ(std::isfinite(health), std::isfinite(number)) << number;
  }
}

TEST(Accumulation, AveragesAsTorchLerp) {
  // torch.lerp(torch.tensor([1., -3.]), torch.tensor([5., 1e9]), w).tolist()
  EXPECT_EQ(RunOn("MoveAverage", {1, -3}, {5, 1e9}, 0.25), std::vector<double>({2, 249999997.75}));
  EXPECT_EQ(RunOn("MoveAverage", {1, -3}, {5, 1e9}, 0.75), std::vector<double>({4, 749999999.25}));
  EXPECT_EQ(RunOn("MoveAverage", {1, -3}, {5, 1e9}, 1), std::vector<double>({5, 1e9}));
}

}  // namespace
}  // namespace strop
