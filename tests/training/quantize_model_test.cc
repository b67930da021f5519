#include "plugin/training/graph/quantize_model.h"

#include <gtest/gtest.h>

#include <cmath>

#include "plugin/training/run/trainer.h"
#include "tests/training/toy_model.h"

namespace strop {
namespace {

using Ranges = std::vector<double>;

const char* const kRanges[] = {"x/minimum", "x/maximum"};

// The classifier as the importer gives it, rounding its weights and what its layers read.
ImportedModel QuantizedClassifier() {
  ImportedModel model = ToyClassifier();
  for (size_t i = 0; i < model.parameters.size(); ++i) {
    model.parameters[i].tensor = static_cast<int>(i);
  }
  const auto sites = QuantizeModel(model, {.averaging_constant = 0.5}, {});
  EXPECT_TRUE(sites.ok()) << sites.status();
  EXPECT_EQ(sites->weights.size(), 2u);
  EXPECT_EQ(sites->activations.size(), 2u);
  return model;
}

std::unique_ptr<Trainer> MakeTrainer(const TrainingOptions& options,
                                     std::unique_ptr<DataSource> training,
                                     std::unique_ptr<DataSource> validation) {
  auto trainer =
      Trainer::Create(QuantizedClassifier(), options, std::move(training), std::move(validation));
  EXPECT_TRUE(trainer.ok()) << trainer.status();
  return *std::move(trainer);
}

Ranges RangesOf(const Trainer& trainer) {
  Ranges ranges;
  for (const char* name : kRanges) {
    ranges.push_back((*NumericElements(*trainer.store()->Read(name)))[0]);
  }
  return ranges;
}

TEST(QuantizeModel, LeavesWeightsThatNoTensorOfTheFileHolds) {
  ImportedModel model = ToyClassifier();  // its parameters have no tensors
  EXPECT_EQ(QuantizeModel(model, {}, {}).status().code(), absl::StatusCode::kInvalidArgument);
  model.parameters[2].tensor = 2;
  const auto sites = QuantizeModel(model, {}, {});
  ASSERT_TRUE(sites.ok()) << sites.status();
  ASSERT_EQ(sites->weights.size(), 1u);
  EXPECT_EQ(sites->weights[0].name, "w2");
}

TEST(QuantizeModel, EarlyStoppingBringsRangesBackWithTheBestWeights) {
  TrainingOptions options;
  options.graph.optimizer = *OptimizerOptionsOf("adam");
  options.learning_rate = 0.5;
  options.epochs = 50;
  options.early_stopping_patience = 3;
  const auto trainer = MakeTrainer(options, Moons(300, 1), Moons(200, 2));
  std::vector<Ranges> ranges;  // by epoch
  const auto result =
      trainer->Run({.on_epoch = [&](const EpochReport&) { ranges.push_back(RangesOf(*trainer)); }});
  ASSERT_TRUE(result.ok()) << result.status();
  ASSERT_TRUE(result->stopped_early);
  const Ranges& best = ranges[static_cast<size_t>(*result->best_epoch) - 1];
  EXPECT_NE(best, ranges.back());
  EXPECT_EQ(RangesOf(*trainer), best);
}

TEST(QuantizeModel, DivergenceBringsRangesBackWithTheLastGoodWeights) {
  TrainingOptions options;
  options.graph.optimizer = *OptimizerOptionsOf("sgd");
  options.graph.loss.kind = LossKind::kMeanSquaredError;
  options.learning_rate = 0.01;
  options.batch_size = 16;
  options.epochs = 3;
  options.schedule.kind = ScheduleKind::kMultiStep;
  options.schedule.milestones = {1};
  options.schedule.gamma = 1e24;
  Tensor x(DataType::kFloat, {64, 2});
  Tensor target(DataType::kFloat, {64, 2});
  int i = 0;
  for (float& element : x.mutable_elements<float>()) element = std::sin(static_cast<float>(++i));
  for (float& element : target.mutable_elements<float>()) element = 1;
  const auto trainer = MakeTrainer(options, std::make_unique<ToyData>(x, target), nullptr);
  Ranges good;
  const auto result =
      trainer->Run({.on_epoch = [&](const EpochReport&) { good = RangesOf(*trainer); }});
  ASSERT_TRUE(result.ok()) << result.status();
  ASSERT_TRUE(result->divergence.has_value());
  ASSERT_EQ(result->divergence->restored_epoch, 1);
  EXPECT_EQ(RangesOf(*trainer), good);
}

}  // namespace
}  // namespace strop
