// Measured steps: they change nothing, and what they measure is what can be taken from outside.

#include "plugin/training/graph/step_statistics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <map>

#include "plugin/training/graph/step_measurement.h"
#include "plugin/training/run/trainer.h"
#include "tests/training/toy_model.h"

namespace strop {
namespace {

constexpr double kRate = 0.25;

TrainingOptions Options(int64_t log_every) {
  TrainingOptions options;
  options.learning_rate = kRate;
  options.epochs = 2;
  options.batch_size = 20;
  options.measurement.log.every = log_every;
  return options;
}

std::unique_ptr<Trainer> MakeTrainer(const TrainingOptions& options) {
  return *Trainer::Create(ToyClassifier(false), options, Moons(110, 1), nullptr);
}

double Norm(const Tensor& tensor) {
  double squares = 0;
  for (const float element : tensor.elements<float>()) {
    squares += static_cast<double>(element) * element;
  }
  return std::sqrt(squares);
}

TEST(StepStatistics, MeasuringChangesNoBitOfTheWeights) {
  std::map<int64_t, std::vector<Tensor>> weights;
  for (const int64_t log_every : {0, 1, 3}) {
    TrainingOptions options = Options(log_every);
    options.graph.optimizer.optimizer = "adamw";
    options.graph.optimizer.clip_norm = 0.5;
    const auto trainer = MakeTrainer(options);
    ASSERT_TRUE(trainer->Run().ok());
    for (const std::string& name : trainer->trained()) {
      weights[log_every].push_back(*trainer->store()->Read(name));
    }
  }
  for (const int64_t log_every : {1, 3}) {
    for (size_t i = 0; i < weights[0].size(); ++i) {
      EXPECT_EQ(
          std::memcmp(weights[log_every][i].data(), weights[0][i].data(), weights[0][i].bytes()),
          0);
    }
  }
}

// Gradient descent moves a weight by the rate times its gradient.
TEST(StepStatistics, NormsAreThoseOfTheWeightsAndTheirMoves) {
  const auto trainer = MakeTrainer(Options(1));
  std::map<std::string, Tensor> before;
  for (const std::string& name : trainer->trained()) {
    before[name] = *trainer->store()->Read(name);
  }
  int64_t measured = 0;
  TrainingCallbacks callbacks;
  callbacks.on_step = [&](const StepReport& report) {
    ASSERT_TRUE(report.statistics.has_value());
    const StepStatistics& statistics = *report.statistics;
    ASSERT_EQ(statistics.parameters.size(), 4u);
    for (size_t i = 0; i < statistics.parameters.size(); ++i) {
      const std::string& name = statistics.layers->parameters[i].name;
      const Tensor now = *trainer->store()->Read(name);
      const Tensor move = now.Clone();
      float* elements = const_cast<float*>(move.elements<float>().data());
      for (int64_t k = 0; k < now.element_count(); ++k) {
        elements[k] -= before[name].elements<float>()[static_cast<size_t>(k)];
      }
      const StepStatistics::Parameter& parameter = statistics.parameters[i];
      EXPECT_NEAR(parameter.weight.norm(), Norm(before[name]), 1e-12);
      EXPECT_NEAR(parameter.update_norm, Norm(move), 1e-12);
      EXPECT_NEAR(kRate * parameter.gradient.norm(), Norm(move), 2e-6 * Norm(before[name]));
      before[name] = now;
      ++measured;
    }
    // Gemm, Tanh, Gemm; the loss is none of them.
    ASSERT_EQ(statistics.layers->activations.size(), 3u);
    EXPECT_EQ(statistics.layers->activations[1].op, "Tanh");
    EXPECT_EQ(statistics.activations[1].finite, static_cast<double>(16 * report.sample_count));
    EXPECT_LE(statistics.activations[1].maximum, 1);
    EXPECT_LT(statistics.activations[1].deviation(), 1);
  };
  ASSERT_TRUE(trainer->Run(callbacks).ok());
  EXPECT_EQ(measured, 4 * 12);
}

TEST(StepStatistics, HistogramsCountEveryElement) {
  const auto trainer = MakeTrainer(Options(100));
  TrainingCallbacks callbacks;
  int64_t histograms = 0;
  callbacks.on_step = [&](const StepReport& report) {
    ASSERT_EQ(report.statistics.has_value(), report.step == 1);
    if (!report.statistics) return;
    for (const StepStatistics::Parameter& parameter : report.statistics->parameters) {
      int64_t count = 0;
      for (const int64_t bucket : parameter.gradient.histogram) count += bucket;
      EXPECT_EQ(count, parameter.gradient.finite);
      ++histograms;
    }
  };
  ASSERT_TRUE(trainer->Run(callbacks).ok());
  EXPECT_EQ(histograms, 4);
}

TEST(StepMeasurement, FollowsFromTheStepAlone) {
  MeasurementOptions options;
  EXPECT_EQ(MeasurementOf(options, 1, 10, 10), StepMeasurement::kNone);
  options.log.every = 4;
  std::string steps;
  for (int64_t step = 1; step <= 20; ++step) {  // epochs of 10 steps, the last of a rest
    steps += "-sh"[static_cast<size_t>(MeasurementOf(options, step, 10, 9))];
  }
  EXPECT_EQ(steps, "h--s---sh--s---s--hs");
  options.log.every = 25;  // an epoch's end counts when a log interval has passed since another's
  steps.clear();
  for (int64_t step = 10; step <= 80; step += 10) {
    steps += "-sh"[static_cast<size_t>(MeasurementOf(options, step, 10, 10))];
  }
  EXPECT_EQ(steps, "--h-h--h");
  options.histogram_every = 7;
  EXPECT_EQ(MeasurementOf(options, 14, 10, 10), StepMeasurement::kHistograms);
  EXPECT_EQ(MeasurementOf(options, 10, 10, 10), StepMeasurement::kNone);
}

}  // namespace
}  // namespace strop
