// TensorStatistics against the same numbers taken one element at a time.

#include "ops/training/tensor_statistics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "ops/core/registry.h"
#include "plugin/engine/runtime/session.h"

namespace strop {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

struct Measured {
  std::vector<double> statistics;
  std::vector<double> histogram;
  double operator[](Statistic which) const { return statistics[which]; }
};

Measured Measure(const std::vector<Tensor>& inputs, Attributes attributes = {}) {
  Graph graph;
  Node node{"statistics", std::string(kStropDomain), "TensorStatistics", std::move(attributes)};
  for (const Tensor& input : inputs) {
    node.inputs.push_back(
        graph.AddInput("x" + std::to_string(node.inputs.size()), {input.type(), input.shape()}));
  }
  graph.outputs = *AppendNode(graph, std::move(node), 2);
  const auto session = *Session::Create(std::move(graph), std::make_shared<StateStore>());
  const absl::Span<const Tensor> outputs = *session->Run(inputs);
  return {*NumericElements(outputs[0]), *NumericElements(outputs[1])};
}

// Long enough for several blocks and histograms, with zeros among the numbers.
Tensor Numbers(const Shape& shape) {
  Tensor tensor(DataType::kFloat, shape);
  std::mt19937_64 random(3);
  std::normal_distribution<float> normal(0.5f, 2);
  int64_t i = 0;
  for (float& element : tensor.mutable_elements<float>()) {
    element = i++ % 7 == 0 ? 0 : normal(random);
  }
  return tensor;
}

TEST(TensorStatistics, SumsAndCountsEveryElement) {
  const Tensor x = Numbers({100, 1003});
  double sum = 0;
  double squares = 0;
  double zeros = 0;
  double saturated = 0;
  float minimum = 0;
  float maximum = 0;
  for (const float element : x.elements<float>()) {
    sum += element;
    squares += static_cast<double>(element) * element;
    zeros += element == 0;
    saturated += element < -3.25f || element > 4.5f;
    minimum = std::min(minimum, element);
    maximum = std::max(maximum, element);
  }
  const Measured measured = Measure({x}, {{"saturated_below", -3.25}, {"saturated_above", 4.5}});
  EXPECT_EQ(measured[kStatisticFinite], 100300);
  EXPECT_EQ(measured[kStatisticNotFinite], 0);
  EXPECT_NEAR(measured[kStatisticSum], sum, 1e-9 * squares);
  EXPECT_NEAR(measured[kStatisticSumOfSquares], squares, 1e-12 * squares);
  EXPECT_EQ(measured[kStatisticZeros], zeros);
  EXPECT_EQ(measured[kStatisticSaturated], saturated);
  EXPECT_EQ(measured[kStatisticMinimum], minimum);
  EXPECT_EQ(measured[kStatisticMaximum], maximum);
  EXPECT_EQ(measured[kStatisticUnits], 0);
}

TEST(TensorStatistics, EveryElementIsInTheBucketBetweenWhoseLimitsItLies) {
  Tensor x = Numbers({50001});
  float* elements = x.mutable_elements<float>().data();
  for (int power = -60; power < 60; ++power) {  // the limits themselves, and what lies beyond
    elements[2 * (power + 60)] = std::ldexp(1.125f, power);
    elements[2 * (power + 60) + 1] = -std::ldexp(1.0f, power);
  }
  std::vector<double> expected(kHistogramBuckets, 0);
  for (const float element : x.elements<float>()) {
    size_t bucket = 0;
    const double size = std::abs(element);
    while (bucket + 1 < kHistogramSide + 1 && size >= HistogramLimit(kHistogramSide + 1 + bucket)) {
      ++bucket;
    }
    ++expected[element < 0 ? kHistogramSide - bucket : kHistogramSide + bucket];
  }
  EXPECT_EQ(Measure({x}).histogram, expected);
}

TEST(TensorStatistics, LimitsAscendAndAreSymmetric) {
  for (size_t i = 0; i < kHistogramBuckets; ++i) {
    EXPECT_LT(HistogramLimit(i), HistogramLimit(i + 1));
    EXPECT_EQ(HistogramLimit(i), -HistogramLimit(kHistogramBuckets - i));
  }
  EXPECT_EQ(HistogramLimit(kHistogramBuckets), std::ldexp(1, 40));
}

TEST(TensorStatistics, UnitsThatAreZeroForTheWholeBatchAreDead) {
  const int64_t batch = 9;
  const int64_t units = 37;
  for (const int64_t inner : {1, 3, 600}) {
    Tensor x(DataType::kFloat, {batch, units, inner});
    float* elements = x.mutable_elements<float>().data();
    for (int64_t unit = 0; unit < units; unit += 2) {  // one element of every second unit
      elements[((unit % batch) * units + unit) * inner + unit % inner] = -1e-30f;
    }
    const Measured measured = Measure({x}, {{"unit_axis", int64_t{1}}});
    EXPECT_EQ(measured[kStatisticUnits], units) << inner;
    EXPECT_EQ(measured[kStatisticDeadUnits], 18) << inner;
  }
}

TEST(TensorStatistics, MeasuresDifferences) {
  const Tensor x = Tensor::FromVector<float>({3}, {1, 2, 3});
  const Tensor y = Tensor::FromVector<float>({3}, {1, 4, 0});
  const Measured measured = Measure({x, y});
  EXPECT_EQ(measured[kStatisticSumOfSquares], 13);
  EXPECT_EQ(measured[kStatisticZeros], 1);
}

TEST(TensorStatistics, WhatIsNotFiniteIsCountedAndLeftOut) {
  for (const DataType type : {DataType::kFloat, DataType::kDouble}) {
    const Tensor x =
        *ConvertTensor(Tensor::FromVector<double>({5}, {NAN, 2, INFINITY, -INFINITY, -1}), type);
    const Measured measured = Measure({x});
    EXPECT_EQ(measured[kStatisticNotFinite], 3);
    EXPECT_EQ(measured[kStatisticFinite], 2);
    EXPECT_EQ(measured[kStatisticSum], 1);
    EXPECT_EQ(measured[kStatisticMinimum], -1);
    EXPECT_EQ(measured[kStatisticMaximum], 2);
  }
}

TEST(TensorStatistics, NothingHasNoExtremes) {
  const Measured measured = Measure({Tensor(DataType::kFloat, {0, 4})});
  EXPECT_EQ(measured[kStatisticFinite], 0);
  EXPECT_EQ(measured[kStatisticMinimum], kInfinity);
  EXPECT_EQ(measured[kStatisticMaximum], -kInfinity);
}

}  // namespace
}  // namespace strop
