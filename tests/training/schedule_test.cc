#include "plugin/training/optimization/schedule.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "plugin/training/optimization/averaging.h"

namespace strop {
namespace {

using Json = nlohmann::json;

Json Goldens() {
  std::ifstream file(std::string(STROP_GOLDENS) + "/schedule.json");
  return Json::parse(file);
}

ScheduleOptions OptionsOf(const Json& golden) {
  ScheduleOptions options;
  options.kind = *ScheduleKindOf(golden.value("kind", "reduce_on_plateau"));
  if (golden.contains("unit")) {
    options.unit = golden["unit"] == "epoch" ? ScheduleUnit::kEpoch : ScheduleUnit::kStep;
  }
  options.gamma = golden.value("gamma", options.gamma);
  options.step_size = golden.value("step_size", options.step_size);
  options.milestones = golden.value("milestones", options.milestones);
  options.minimum_learning_rate =
      golden.value("minimum_learning_rate", options.minimum_learning_rate);
  options.restart_period = golden.value("restart_period", options.restart_period);
  options.restart_multiplier = golden.value("restart_multiplier", options.restart_multiplier);
  options.power = golden.value("power", options.power);
  options.start_factor = golden.value("start_factor", options.start_factor);
  options.end_factor = golden.value("end_factor", options.end_factor);
  options.pct_start = golden.value("pct_start", options.pct_start);
  options.div_factor = golden.value("div_factor", options.div_factor);
  options.final_div_factor = golden.value("final_div_factor", options.final_div_factor);
  options.anneals_linearly = golden.value("anneals_linearly", options.anneals_linearly);
  options.warmup_steps = golden.value("warmup_steps", options.warmup_steps);
  options.warmup_ratio = golden.value("warmup_ratio", options.warmup_ratio);
  options.plateau.factor = golden.value("factor", options.plateau.factor);
  options.plateau.patience = golden.value("patience", options.plateau.patience);
  options.plateau.threshold = golden.value("threshold", options.plateau.threshold);
  options.plateau.cooldown = golden.value("cooldown", options.plateau.cooldown);
  return options;
}

void ExpectNear(double actual, double expected, const std::string& where) {
  EXPECT_NEAR(actual, expected, 1e-12 + 1e-9 * expected) << where;
}

TEST(Schedule, EqualsPyTorchAtEveryStep) {
  const Json goldens = Goldens();
  ASSERT_GE(goldens["cases"].size(), 40u);
  for (const Json& golden : goldens["cases"]) {
    const ScheduleOptions options = OptionsOf(golden["options"]);
    ASSERT_TRUE(CheckScheduleOptions(options).ok()) << golden["options"];
    const Schedule schedule(options, goldens["learning_rate"], goldens["steps"],
                            goldens["steps_per_epoch"]);
    for (size_t step = 0; step < golden["learning_rates"].size(); ++step) {
      ExpectNear(schedule.At(static_cast<int64_t>(step), {}), golden["learning_rates"][step],
                 golden["options"].dump() + " at step " + std::to_string(step));
    }
  }
}

TEST(Schedule, ReducesOnAPlateauAsPyTorch) {
  const Json goldens = Goldens();
  for (const Json& golden : goldens["plateaus"]) {
    const Schedule schedule(OptionsOf(golden["options"]), goldens["learning_rate"], 1000, 1);
    PlateauState state;
    for (size_t epoch = 0; epoch < golden["losses"].size(); ++epoch) {
      schedule.Observe(golden["losses"][epoch], state);
      ExpectNear(schedule.At(static_cast<int64_t>(epoch) + 1, state),
                 golden["learning_rates"][epoch],
                 golden["options"].dump() + " after epoch " + std::to_string(epoch));
    }
  }
}

TEST(Schedule, GoesToTheRateOfStochasticAveragingAsPyTorch) {
  const Json goldens = Goldens();
  for (const Json& golden : goldens["stochastic_averages"]) {
    AveragingOptions options;
    options.swa_learning_rate = 0.05;
    options.swa_anneal_epochs = golden["anneal_epochs"];
    options.swa_anneals_linearly = golden["strategy"] == "linear";
    for (size_t epoch = 0; epoch < golden["learning_rates"].size(); ++epoch) {
      ExpectNear(SwaLearningRate(options, goldens["learning_rate"], static_cast<int64_t>(epoch)),
                 golden["learning_rates"][epoch], golden.dump() + " at " + std::to_string(epoch));
    }
  }
}

TEST(Schedule, AWarmUpAsLongAsTheRunNeverEnds) {
  ScheduleOptions options;
  options.kind = ScheduleKind::kCosine;
  options.warmup_steps = 10;
  const Schedule schedule(options, 1, 10, 5);
  EXPECT_DOUBLE_EQ(schedule.At(9, {}), 0.9);
}

TEST(Schedule, RefusesOptionsThatMakeNoSense) {
  const auto refuses = [](auto change) {
    ScheduleOptions options;
    change(options);
    return CheckScheduleOptions(options).code() == absl::StatusCode::kInvalidArgument;
  };
  EXPECT_FALSE(refuses([](ScheduleOptions&) {}));
  EXPECT_TRUE(refuses([](ScheduleOptions& o) { o.step_size = 0; }));
  EXPECT_TRUE(refuses([](ScheduleOptions& o) { o.gamma = -1; }));
  EXPECT_TRUE(refuses([](ScheduleOptions& o) { o.milestones = {3, -1}; }));
  EXPECT_TRUE(refuses([](ScheduleOptions& o) { o.restart_period = 0; }));
  EXPECT_TRUE(refuses([](ScheduleOptions& o) { o.warmup_ratio = 1.5; }));
  EXPECT_TRUE(refuses([](ScheduleOptions& o) { o.plateau.factor = 1; }));
  EXPECT_TRUE(refuses([](ScheduleOptions& o) {
    o.kind = ScheduleKind::kOneCycle;
    o.unit = ScheduleUnit::kEpoch;
  }));
  EXPECT_TRUE(refuses([](ScheduleOptions& o) {
    o.kind = ScheduleKind::kReduceOnPlateau;
    o.unit = ScheduleUnit::kStep;
  }));
  EXPECT_FALSE(ScheduleKindOf("cosin").ok());
}

}  // namespace
}  // namespace strop
