#include "plugin/training/run/trainer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "tests/training/toy_model.h"

namespace strop {
namespace {

TrainingOptions ToyOptions() {
  TrainingOptions options;
  options.graph.optimizer = *OptimizerOptionsOf("adam");
  options.metrics = {"accuracy"};
  options.learning_rate = 0.02;
  options.epochs = 30;
  options.batch_size = 32;
  options.seed = 7;
  return options;
}

std::unique_ptr<Trainer> MakeTrainer(const TrainingOptions& options,
                                     const ImportedModel& model = ToyClassifier()) {
  auto trainer = Trainer::Create(model, options, Moons(300, 1), Moons(200, 2), {.verify = true});
  EXPECT_TRUE(trainer.ok()) << trainer.status();
  return trainer.ok() ? *std::move(trainer) : nullptr;
}

std::vector<double> State(const Trainer& trainer, const std::string& name) {
  return *NumericElements(*trainer.store()->Read(name));
}

TEST(Trainer, LearnsTwoMoons) {
  for (const bool ends_in_softmax : {false, true}) {
    const auto trainer = MakeTrainer(ToyOptions(), ToyClassifier(ends_in_softmax));
    ASSERT_NE(trainer, nullptr);
    std::vector<EpochReport> epochs;
    std::vector<StepReport> steps;
    const auto result =
        trainer->Run({.on_step = [&](const StepReport& report) { steps.push_back(report); },
                      .on_epoch = [&](const EpochReport& report) { epochs.push_back(report); }});
    ASSERT_TRUE(result.ok()) << result.status();
    ASSERT_EQ(epochs.size(), 30u);
    EXPECT_EQ(steps.size(), 300u);
    EXPECT_EQ(steps[9].sample_count, 300 - 9 * 32);
    EXPECT_EQ(result->steps, 300);
    EXPECT_GT(epochs[0].train_loss, 0.3);
    EXPECT_LT(epochs.back().train_loss, 0.05);
    EXPECT_GE(epochs.back().metrics.at("accuracy"), 0.98);
  }
}

TEST(Trainer, TrainsThroughTheLogitsOfASoftmax) {
  const auto through_softmax = MakeTrainer(ToyOptions(), ToyClassifier(true));
  const auto plain = MakeTrainer(ToyOptions(), ToyClassifier(false));
  ASSERT_TRUE(through_softmax->Run().ok());
  ASSERT_TRUE(plain->Run().ok());
  EXPECT_EQ(State(*through_softmax, "w1"), State(*plain, "w1"));
}

TEST(Trainer, TwoRunsGiveTheSameBits) {
  TrainingOptions options = ToyOptions();
  options.graph.optimizer.clip_norm = 0.5;
  const auto first = MakeTrainer(options);
  const auto second = MakeTrainer(options);
  ASSERT_TRUE(first->Run().ok());
  ASSERT_TRUE(second->Run().ok());
  for (const std::string& name : first->store()->Names()) {
    EXPECT_EQ(State(*first, name), State(*second, name)) << name;
  }
  options.seed = 8;
  const auto other = MakeTrainer(options);
  ASSERT_TRUE(other->Run().ok());
  EXPECT_NE(State(*first, "w1"), State(*other, "w1"));
}

TEST(Trainer, ClippedStepsReportTheNormBeforeClipping) {
  TrainingOptions options = ToyOptions();
  options.graph.optimizer = *OptimizerOptionsOf("sgd");
  options.graph.optimizer.clip_norm = 0.01;
  options.learning_rate = 1;
  options.steps = 1;
  const auto trainer = MakeTrainer(options);
  std::vector<double> before;
  for (const std::string& name : trainer->trained()) {
    for (const double number : State(*trainer, name)) before.push_back(number);
  }
  double norm = 0;
  ASSERT_TRUE(
      trainer->Run({.on_step = [&](const StepReport& report) { norm = *report.gradient_norm; }})
          .ok());
  EXPECT_GT(norm, 0.05);
  double moved = 0;
  size_t i = 0;
  for (const std::string& name : trainer->trained()) {
    for (const double number : State(*trainer, name)) moved += std::pow(number - before[i++], 2);
  }
  EXPECT_NEAR(std::sqrt(moved), 0.01, 1e-6);
}

TEST(Trainer, FrozenParametersDoNotMove) {
  ImportedModel model = ToyClassifier();
  model.parameters[0].role = Parameter::Role::kFrozen;
  const auto trainer = MakeTrainer(ToyOptions(), model);
  const std::vector<double> frozen = State(*trainer, "w1");
  const std::vector<double> trained = State(*trainer, "w2");
  ASSERT_TRUE(trainer->Run().ok());
  EXPECT_EQ(State(*trainer, "w1"), frozen);
  EXPECT_NE(State(*trainer, "w2"), trained);
  EXPECT_EQ(trainer->trained(), std::vector<std::string>({"b1", "w2", "b2"}));
}

TEST(Trainer, UnfreezesInTheEpochThatIsAskedFor) {
  TrainingOptions options = ToyOptions();
  options.epochs = 4;
  options.graph.unfreezing = {{2, "*2"}, {3, "w1"}, {4, "w*"}};
  const auto trainer = MakeTrainer(options);
  std::map<std::string, std::vector<double>> now;
  std::map<std::string, std::set<int64_t>> moved;  // in which epochs
  for (const std::string& name : trainer->trained()) now[name] = State(*trainer, name);
  EXPECT_EQ(now.size(), 4u);
  std::map<std::string, std::vector<double>> old = now;
  ASSERT_TRUE(trainer
                  ->Run({.on_step =
                             [&](const StepReport& report) {
                               for (auto& [name, numbers] : now) {
                                 numbers = State(*trainer, name);
                                 if (numbers != old[name]) moved[name].insert(report.epoch);
                                 old[name] = numbers;
                               }
                             }})
                  .ok());
  EXPECT_EQ(moved["b1"], std::set<int64_t>({1, 2, 3, 4}));
  EXPECT_EQ(moved["w2"], std::set<int64_t>({2, 3, 4}));
  EXPECT_EQ(moved["b2"], std::set<int64_t>({2, 3, 4}));
  EXPECT_EQ(moved["w1"], std::set<int64_t>({3, 4}));
}

// Adam's first step moves every element by the learning rate, whatever the gradient: the count of
// an unfrozen parameter's steps starts with it.
TEST(Trainer, AnUnfrozenParameterStartsItsOptimizerAnew) {
  TrainingOptions options = ToyOptions();
  options.epochs = 3;
  options.graph.unfreezing = {{3, "w2"}};
  const auto trainer = MakeTrainer(options);
  const std::vector<double> before = State(*trainer, "w2");
  const int64_t first = 2 * trainer->steps_per_epoch() + 1;
  ASSERT_TRUE(trainer
                  ->Run({.on_step =
                             [&](const StepReport& report) {
                               if (report.step != first) return;
                               const std::vector<double> after = State(*trainer, "w2");
                               for (size_t i = 0; i < after.size(); ++i) {
                                 EXPECT_NEAR(std::abs(after[i] - before[i]), 0.02, 2e-5);
                               }
                             }})
                  .ok());
}

TEST(Trainer, RefusesUnfreezingThatMakesNoSense) {
  const auto refuses = [](std::vector<Unfreezing> unfreezing) {
    TrainingOptions options = ToyOptions();
    options.epochs = 5;
    options.graph.unfreezing = std::move(unfreezing);
    return Trainer::Create(ToyClassifier(), options, Moons(8, 1), Moons(8, 1)).status().code() ==
           absl::StatusCode::kInvalidArgument;
  };
  EXPECT_FALSE(refuses({{5, "w1"}}));
  EXPECT_TRUE(refuses({{6, "w1"}}));
  EXPECT_TRUE(refuses({{0, "w1"}}));
  EXPECT_TRUE(refuses({{2, "conv*"}}));
  EXPECT_TRUE(refuses({{2, "*"}}));
}

TEST(Trainer, NothingTrainableIsRefused) {
  ImportedModel model = ToyClassifier();
  for (Parameter& parameter : model.parameters) parameter.role = Parameter::Role::kFrozen;
  EXPECT_EQ(Trainer::Create(model, ToyOptions(), Moons(9, 1), Moons(9, 2)).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(Trainer, EarlyStoppingRestoresTheBestWeights) {
  TrainingOptions options = ToyOptions();
  options.early_stopping_patience = 3;
  options.epochs = 100;
  // Every label of the validation set is wrong: what is learned makes it worse.
  const std::unique_ptr<ToyData> moons = Moons(200, 2);
  Tensor wrong = moons->whole_array(1)->Clone();
  for (int64_t& label : wrong.mutable_elements<int64_t>()) label = 1 - label;
  auto created = Trainer::Create(ToyClassifier(), options, Moons(300, 1),
                                 std::make_unique<ToyData>(*moons->whole_array(0), wrong));
  ASSERT_TRUE(created.ok()) << created.status();
  const std::unique_ptr<Trainer> trainer = *std::move(created);
  std::vector<std::vector<double>> weights;
  std::vector<double> losses;
  const auto result = trainer->Run({.on_epoch = [&](const EpochReport& report) {
    weights.push_back(State(*trainer, "w1"));
    losses.push_back(*report.validation_loss);
  }});
  ASSERT_TRUE(result.ok()) << result.status();
  ASSERT_TRUE(result->stopped_early);
  ASSERT_TRUE(result->best_epoch.has_value());
  const auto best = static_cast<size_t>(*result->best_epoch) - 1;
  EXPECT_EQ(losses.size(), best + 4);
  EXPECT_EQ(losses[best], *std::min_element(losses.begin(), losses.end()));
  EXPECT_EQ(State(*trainer, "w1"), weights[best]);
  EXPECT_NE(weights.back(), weights[best]);
}

TEST(Trainer, EarlyStoppingLeavesTheLastWeightsWhenAsked) {
  TrainingOptions options = ToyOptions();
  options.early_stopping_patience = 2;
  options.min_delta = 10;  // nothing is better than the first epoch by that much
  options.restore_best = false;
  const auto trainer = MakeTrainer(options);
  std::vector<std::vector<double>> weights;
  const auto result = trainer->Run(
      {.on_epoch = [&](const EpochReport&) { weights.push_back(State(*trainer, "w1")); }});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_TRUE(result->stopped_early);
  EXPECT_EQ(result->best_epoch, 1);
  ASSERT_EQ(weights.size(), 3u);
  EXPECT_EQ(State(*trainer, "w1"), weights.back());
}

// A run that ends with the states and losses of one that was never interrupted, from `step` on.
void ExpectGoesOnFrom(const TrainingOptions& options, int64_t step) {
  const auto whole = MakeTrainer(options);
  RunState state;
  std::map<std::string, Tensor> states;
  std::vector<double> losses;
  const auto losses_into = [](std::vector<double>& all) {
    return [&all](const EpochReport& report) { all.push_back(report.train_loss); };
  };
  const auto remember = [&](const StepReport& report) {
    if (report.step != step) return;
    state = whole->state();
    for (const std::string& name : whole->store()->Names()) {
      states[name] = *whole->store()->Read(name);
    }
  };
  ASSERT_TRUE(whole->Run({.on_step = remember, .on_epoch = losses_into(losses)}).ok());
  ASSERT_FALSE(states.empty());
  const auto resumed = MakeTrainer(options);
  for (const auto& [name, tensor] : states) {
    ASSERT_TRUE(resumed->store()->Write(name, tensor).ok()) << name;
  }
  resumed->set_state(state);
  std::vector<double> rest;
  ASSERT_TRUE(resumed->Run({.on_epoch = losses_into(rest)}).ok());
  EXPECT_EQ(rest,
            std::vector<double>(losses.end() - static_cast<int64_t>(rest.size()), losses.end()));
  for (const std::string& name : whole->store()->Names()) {
    EXPECT_EQ(State(*whole, name), State(*resumed, name)) << name;
  }
}

TEST(Trainer, GoesOnFromAnyStep) {
  TrainingOptions options = ToyOptions();
  options.epochs = 4;
  options.early_stopping_patience = 3;
  for (const int64_t step : {1, 10, 13, 39}) ExpectGoesOnFrom(options, step);
  options.schedule.kind = ScheduleKind::kReduceOnPlateau;
  options.schedule.plateau = {.patience = 0, .threshold = 0.5};
  ExpectGoesOnFrom(options, 33);
  options.graph.unfreezing = {{2, "w1"}, {3, "b1"}};
  ExpectGoesOnFrom(options, 13);
  options.averaging.ema_decay = 0.9;
  ExpectGoesOnFrom(options, 13);
}

TEST(Trainer, TakesTheRateOfTheSchedule) {
  TrainingOptions options = ToyOptions();
  options.graph.optimizer = *OptimizerOptionsOf("sgd");
  options.epochs = 2;
  options.schedule.kind = ScheduleKind::kMultiStep;
  options.schedule.milestones = {1};
  options.schedule.gamma = 0;  // the second epoch changes nothing
  const auto trainer = MakeTrainer(options);
  std::vector<std::vector<double>> weights;
  ASSERT_TRUE(trainer
                  ->Run({.on_epoch =
                             [&](const EpochReport& report) {
                               weights.push_back(State(*trainer, "w1"));
                               EXPECT_EQ(report.learning_rate, report.epoch == 1 ? 0.02 : 0);
                             }})
                  .ok());
  EXPECT_EQ(weights[0], weights[1]);
}

// The weights after two epochs with batches of `batch_size`, `accumulation_steps` of which make an
// update: 300 samples, so that the last update of an epoch may see fewer, in fewer batches.
std::vector<double> WeightsWith(int64_t batch_size, int64_t accumulation_steps, double clip_norm) {
  TrainingOptions options = ToyOptions();
  options.epochs = 2;
  options.batch_size = batch_size;
  options.accumulation_steps = accumulation_steps;
  options.graph.optimizer.clip_norm = clip_norm;
  const auto trainer = MakeTrainer(options);
  std::vector<double> all;
  int64_t samples = 0;
  const auto result =
      trainer->Run({.on_step = [&](const StepReport& report) { samples += report.sample_count; }});
  EXPECT_EQ(samples, 600);
  EXPECT_EQ(result->steps, 2 * trainer->steps_per_epoch());
  for (const std::string& name : trainer->trained()) {
    for (const double number : State(*trainer, name)) all.push_back(number);
  }
  all.push_back(static_cast<double>(result->steps));
  return all;
}

TEST(Trainer, AccumulatedBatchesAreOneLargeBatch) {
  for (const double clip_norm : {0.0, 0.05}) {
    // 96 = 4·24: three whole updates and one of 12 samples, half a batch.
    const std::vector<double> large = WeightsWith(96, 1, clip_norm);
    const std::vector<double> small = WeightsWith(24, 4, clip_norm);
    ASSERT_EQ(large.size(), small.size());
    for (size_t i = 0; i < large.size(); ++i) EXPECT_NEAR(large[i], small[i], 2e-5) << i;
  }
  // Eight batches an epoch, of which the last is an update of its own.
  EXPECT_EQ(WeightsWith(40, 7, 0).back(), 4);
  EXPECT_EQ(WeightsWith(60, 1, 0).back(), 10);
}

TEST(Trainer, GoesOnWhileItAccumulates) {
  TrainingOptions options = ToyOptions();
  options.epochs = 3;
  options.accumulation_steps = 3;
  for (const int64_t step : {1, 4, 6}) ExpectGoesOnFrom(options, step);
}

TEST(Trainer, BatchesOfEverySizeAndDroppedRest) {
  const auto steps = [](int64_t batch_size, bool drop_last) {
    TrainingOptions options = ToyOptions();
    options.epochs = 1;
    options.batch_size = batch_size;
    options.drop_last = drop_last;
    return MakeTrainer(options)->Run()->steps;
  };
  EXPECT_EQ(steps(0, false), 1);
  EXPECT_EQ(steps(1, false), 300);
  EXPECT_EQ(steps(7, false), 43);
  EXPECT_EQ(steps(7, true), 42);
  EXPECT_EQ(steps(1000, false), 1);
}

TEST(Trainer, StopsWhenAsked) {
  const auto trainer = MakeTrainer(ToyOptions());
  const auto result = trainer->Run({.should_stop = [] { return true; }});
  ASSERT_TRUE(result.ok());
  EXPECT_TRUE(result->was_stopped);
  EXPECT_EQ(result->steps, 1);
}

TEST(Trainer, RefusesLabelsOutOfRangeBeforeTheFirstStep) {
  Tensor labels(DataType::kInt64, {4});
  labels.mutable_elements<int64_t>()[2] = 2;
  const auto trainer = Trainer::Create(
      ToyClassifier(), ToyOptions(),
      std::make_unique<ToyData>(Tensor(DataType::kFloat, {4, 2}), labels), Moons(8, 1));
  EXPECT_EQ(trainer.status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(Trainer, RefusesOptionsThatMakeNoSense) {
  const auto refuses = [](auto change) {
    TrainingOptions options = ToyOptions();
    change(options);
    return Trainer::Create(ToyClassifier(), options, Moons(8, 1), nullptr).status().code() ==
           absl::StatusCode::kInvalidArgument;
  };
  EXPECT_TRUE(refuses([](TrainingOptions& o) { o.early_stopping_patience = 1; }));
  EXPECT_TRUE(refuses([](TrainingOptions& o) {
    o.learning_rate = -1;
    o.metrics = {};
  }));
  EXPECT_TRUE(refuses([](TrainingOptions& o) {
    o.batch_size = -1;
    o.metrics = {};
  }));
  EXPECT_TRUE(refuses([](TrainingOptions& o) {
    o.metrics = {};
    o.graph.dropout = DropoutMode::kOn;
  }));
  EXPECT_TRUE(refuses([](TrainingOptions& o) {
    o.metrics = {};
    o.graph.optimizer.nesterov = true;
    o.graph.optimizer.optimizer = "sgd";
  }));
}

}  // namespace
}  // namespace strop
