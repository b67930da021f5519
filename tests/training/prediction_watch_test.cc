// Which samples the watch keeps, and with which losses.

#include "plugin/training/metrics/prediction_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "plugin/training/metrics/metrics.h"

namespace strop {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

MetricSet Watching(LossKind loss) {
  MetricSet metrics = *MetricSet::Create({}, false, {loss});
  metrics.WatchPredictions();
  return metrics;
}

void Add(MetricSet& metrics, const Shape& shape, const std::vector<double>& logits,
         const Shape& target_shape, const std::vector<int64_t>& labels, int64_t samples) {
  ASSERT_TRUE(metrics
                  .Update(Tensor::FromVector<double>(shape, logits),
                          Tensor::FromVector<int64_t>(target_shape, labels), samples)
                  .ok());
}

std::vector<int64_t> Indices(const MetricSet& metrics) {
  std::vector<int64_t> indices;
  for (const HardSample& sample : metrics.predictions()->hardest()) {
    indices.push_back(sample.sample);
  }
  return indices;
}

TEST(PredictionWatch, KeepsTheHighestLossesInOrder) {
  MetricSet metrics = Watching(LossKind::kCrossEntropy);
  Add(metrics, {2, 2}, {3, 0, 0, 2}, {2}, {0, 0}, 2);
  Add(metrics, {2, 2}, {0, 5, 1, 0}, {2}, {0, 0}, 2);
  EXPECT_THAT(Indices(metrics), ElementsAre(2, 1, 3, 0));
  const HardSample& worst = metrics.predictions()->hardest()[0];
  EXPECT_EQ(worst.label, 0);
  EXPECT_EQ(worst.predicted, 1);
  EXPECT_THAT(worst.loss, DoubleNear(std::log1p(std::exp(5.0)), 1e-12));
  EXPECT_THAT(metrics.predictions()->confusion_matrix(),
              ElementsAre(ElementsAre(2, 2), ElementsAre(0, 0)));
  metrics.Reset();
  EXPECT_THAT(Indices(metrics), IsEmpty());
  Add(metrics, {1, 2}, {0, 5}, {1}, {0}, 1);
  EXPECT_THAT(Indices(metrics), ElementsAre(0));
}

TEST(PredictionWatch, KeepsTheFirstOfEqualLossesAndNoMoreThanSixteen) {
  MetricSet metrics = Watching(LossKind::kCrossEntropy);
  for (int batch = 0; batch < 10; ++batch) {
    Add(metrics, {2, 2}, {1, 0, 1, 0}, {2}, {0, 0}, 2);
  }
  std::vector<int64_t> first(PredictionWatch::kMostSamples);
  for (size_t i = 0; i < first.size(); ++i) first[i] = static_cast<int64_t>(i);
  EXPECT_EQ(Indices(metrics), first);
}

TEST(PredictionWatch, ALossThatIsNoNumberIsTheWorst) {
  MetricSet metrics = Watching(LossKind::kCrossEntropy);
  Add(metrics, {3, 2}, {-1000, 0, std::nan(""), 0, 1, 0}, {3}, {0, 0, 0}, 3);
  EXPECT_THAT(Indices(metrics), ElementsAre(1, 0, 2));
}

TEST(PredictionWatch, LeavesOutWhatIsIgnored) {
  MetricSet metrics = Watching(LossKind::kCrossEntropy);
  Add(metrics, {3, 2}, {0, 1, 0, 2, 0, 3}, {3}, {0, -100, 0}, 3);
  Add(metrics, {1, 2}, {0, 2}, {1}, {0}, 1);
  EXPECT_THAT(Indices(metrics), ElementsAre(2, 3, 0));
}

TEST(PredictionWatch, OneQuestion) {
  MetricSet metrics = Watching(LossKind::kBinaryCrossEntropy);
  Add(metrics, {3, 1}, {2, -1, 4}, {3, 1}, {1, 1, 0}, 3);
  EXPECT_THAT(Indices(metrics), ElementsAre(2, 1, 0));
  EXPECT_EQ(metrics.predictions()->hardest()[0].predicted, 1);
  EXPECT_THAT(metrics.predictions()->hardest()[0].loss,
              DoubleNear(std::log1p(std::exp(4.0)), 1e-12));
  EXPECT_THAT(metrics.predictions()->confusion_matrix(),
              ElementsAre(ElementsAre(0, 1), ElementsAre(1, 1)));
}

// [samples, classes, positions]: a matrix of positions, but no sample has one class.
TEST(PredictionWatch, PositionsHaveAMatrixOnly) {
  MetricSet metrics = Watching(LossKind::kCrossEntropy);
  Add(metrics, {1, 2, 3}, {1, 0, 0, 0, 1, 1}, {1, 3}, {0, 1, 0}, 1);
  EXPECT_THAT(Indices(metrics), IsEmpty());
  EXPECT_THAT(metrics.predictions()->confusion_matrix(),
              ElementsAre(ElementsAre(1, 1), ElementsAre(0, 1)));
}

TEST(PredictionWatch, ManyClassesHaveExamplesOnly) {
  MetricSet metrics = Watching(LossKind::kCrossEntropy);
  const int64_t classes = PredictionWatch::kMostClasses + 1;
  std::vector<double> logits(static_cast<size_t>(classes), 0);
  logits[7] = 1;
  Add(metrics, {1, classes}, logits, {1}, {3}, 1);
  EXPECT_THAT(metrics.predictions()->confusion_matrix(), IsEmpty());
  ASSERT_THAT(metrics.predictions()->hardest(), SizeIs(1));
  EXPECT_EQ(metrics.predictions()->hardest()[0].predicted, 7);
}

TEST(PredictionWatch, LeavesLargePredictionsAlone) {
  MetricSet metrics = Watching(LossKind::kCrossEntropy);
  const int64_t positions = PredictionWatch::kMostLogits / 2 + 1;
  const Tensor logits(DataType::kFloat, {1, 2, positions});
  ASSERT_TRUE(metrics.Update(logits, Tensor(DataType::kInt64, {1, positions}), 1).ok());
  EXPECT_TRUE(metrics.predictions()->confusion_matrix().empty());
}

TEST(PredictionWatch, OtherTasksHaveNeither) {
  EXPECT_EQ(Watching(LossKind::kMeanSquaredError).predictions(), nullptr);
  MetricSet questions = Watching(LossKind::kBinaryCrossEntropy);
  Add(questions, {2, 3}, {1, 2, 3, 4, 5, 6}, {2, 3}, {0, 1, 0, 1, 0, 1}, 2);
  EXPECT_THAT(Indices(questions), IsEmpty());
  EXPECT_THAT(questions.predictions()->confusion_matrix(), IsEmpty());
}

}  // namespace
}  // namespace strop
