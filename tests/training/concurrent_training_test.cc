// Trainings in threads of one process have the bits that each has alone, and leave the callers'
// teams as they were.

#include <gtest/gtest.h>
#include <omp.h>

#include <cstring>
#include <map>
#include <random>
#include <thread>

#include "absl/strings/str_cat.h"
#include "ops/kernels/team_size.h"
#include "plugin/training/run/trainer.h"
#include "tests/training/toy_model.h"

namespace strop {
namespace {

struct Training {
  std::string model;
  Shape sample;
  int threads;
  TrainingOptions options;
};

// Convolutions and normalization by oneDNN, dropout and augmentation by counters, averages.
std::vector<Training> Trainings() {
  TrainingOptions dropout;
  dropout.graph.optimizer = *OptimizerOptionsOf("adam");
  dropout.graph.dropout_at = {"*"};
  dropout.graph.dropout = DropoutMode::kOn;
  dropout.graph.dropout_rate = 0.3;
  dropout.averaging.ema_decay = 0.9;
  dropout.mix.mixup_alpha = 0.5;
  TrainingOptions statistics;
  statistics.graph.optimizer = *OptimizerOptionsOf("momentum");
  statistics.graph.batch_norm = BatchNormMode::kTrain;
  statistics.averaging.swa_start = 2;
  std::vector<Training> trainings = {
      {"lenet.torchscript.training.18", {1, 28, 28}, 2, dropout},
      {"resnet.torchscript.training.19", {3, 16, 16}, 1, statistics},
      {"mobilenet_v2.torchscript.training.20", {3, 16, 16}, 2, statistics}};
  for (Training& training : trainings) {
    training.options.learning_rate = 0.01;
    training.options.epochs = 3;
    training.options.batch_size = 8;
    training.options.seed = 4;
  }
  return trainings;
}

std::unique_ptr<ToyData> RandomPictures(const Shape& sample) {
  std::mt19937_64 random(6);
  std::normal_distribution<float> normal;
  Shape shape = sample;
  shape.insert(shape.begin(), 20);
  Tensor x(DataType::kFloat, shape);
  for (float& element : x.mutable_elements<float>()) element = normal(random);
  Tensor labels(DataType::kInt64, {20});
  for (int64_t& label : labels.mutable_elements<int64_t>())
    label = static_cast<int64_t>(random() % 10);
  return std::make_unique<ToyData>(x, labels);
}

// Every state after the run.
std::map<std::string, Tensor> StatesAfter(const Training& training) {
  std::map<std::string, Tensor> states;
  const auto model =
      ImportModel(absl::StrCat(STROP_GOLDENS "/../parity/models/", training.model, ".onnx"), {});
  EXPECT_TRUE(model.ok()) << model.status();
  const auto trainer =
      Trainer::Create(*model, training.options, RandomPictures(training.sample),
                      RandomPictures(training.sample), {.threads = training.threads});
  EXPECT_TRUE(trainer.ok()) << trainer.status();
  if (!trainer.ok()) return states;
  const auto result = (*trainer)->Run();
  EXPECT_TRUE(result.ok()) << result.status();
  for (const std::string& name : (*trainer)->store()->Names()) {
    states[name] = *(*trainer)->store()->Read(name);
  }
  return states;
}

TEST(ConcurrentTraining, HasTheBitsOfEachAlone) {
  const std::vector<Training> trainings = Trainings();
  std::vector<std::map<std::string, Tensor>> alone;
  for (const Training& training : trainings) alone.push_back(StatesAfter(training));
  std::vector<std::map<std::string, Tensor>> together(trainings.size());
  std::vector<std::thread> threads;
  for (size_t i = 0; i < trainings.size(); ++i) {
    threads.emplace_back([&, i] { together[i] = StatesAfter(trainings[i]); });
  }
  for (std::thread& thread : threads) thread.join();
  for (size_t i = 0; i < trainings.size(); ++i) {
    ASSERT_FALSE(alone[i].empty());
    ASSERT_EQ(alone[i].size(), together[i].size());
    for (const auto& [name, state] : alone[i]) {
      EXPECT_EQ(std::memcmp(state.data(), together[i].at(name).data(), state.bytes()), 0)
          << trainings[i].model << " " << name;
    }
  }
}

// A training keeps its number of threads wherever it is called from, and the caller his.
TEST(ConcurrentTraining, IsOfItsOwnNumberOfThreads) {
  Training training = Trainings()[0];
  const std::map<std::string, Tensor> with_two = StatesAfter(training);
  training.threads = 0;
  const TeamSize team(2);
  const auto model =
      ImportModel(absl::StrCat(STROP_GOLDENS "/../parity/models/", training.model, ".onnx"), {});
  const auto trainer =
      *Trainer::Create(*model, training.options, RandomPictures(training.sample),
                       RandomPictures(training.sample), {.threads = training.threads});
  std::thread caller([&] {
    const TeamSize other(5);
    EXPECT_TRUE(trainer->Run().ok());
    EXPECT_EQ(omp_get_max_threads(), 5);
  });
  caller.join();
  EXPECT_EQ(omp_get_max_threads(), 2);
  for (const auto& [name, state] : with_two) {
    const Tensor found = *trainer->store()->Read(name);
    EXPECT_EQ(std::memcmp(state.data(), found.data(), state.bytes()), 0) << name;
  }
}

}  // namespace
}  // namespace strop
