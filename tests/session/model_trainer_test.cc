#include "plugin/session/model_trainer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "plugin/options/outcome.h"
#include "tests/importer/test_models.h"
#include "tests/session/linear_samples.h"

namespace strop {
namespace {

using ::testing::HasSubstr;

class ModelTrainerTest : public ::testing::Test {
 protected:
  ModelTrainerTest() {
    folder_.Write("model.onnx", LinearModel());
    absl::StatusOr<std::unique_ptr<Model>> model =
        Model::Load(folder_.Path("model.onnx"), {}, Listener());
    EXPECT_TRUE(model.ok()) << model.status();
    model_ = *std::move(model);
  }

  absl::StatusOr<std::unique_ptr<ModelTrainer>> Make(OptionTexts options,
                                                     TrainerData data = {LinearSamples(), {}}) {
    options.emplace_back("loss", std::vector<std::string>{"mse"});
    return ModelTrainer::Create(*model_, std::move(data), options, Listener());
  }

  std::string ErrorOf(const OptionTexts& options, TrainerData data = {LinearSamples(), {}}) {
    const absl::Status status = Make(options, std::move(data)).status();
    EXPECT_EQ(ExitCodeOf(status), kExitUsage) << status;
    return std::string(status.message());
  }

  TestFolder folder_;
  std::unique_ptr<Model> model_;
};

TEST_F(ModelTrainerTest, WhatIsTheModelsIsRefused) {
  EXPECT_THAT(ErrorOf({{"freeze", {"w"}}}), HasSubstr("--freeze: found for a trainer"));
  EXPECT_THAT(ErrorOf({{"MODEL", {"other.onnx"}}}), HasSubstr("expected for its model"));
  EXPECT_THAT(ErrorOf({{"quantize", {"int8"}}}), HasSubstr("expected for its model"));
  EXPECT_THAT(ErrorOf({{"dry-run", {}}}), HasSubstr("belongs to the command line"));
}

TEST_F(ModelTrainerTest, DataAreSaidOnce) {
  EXPECT_THAT(ErrorOf({{"data", {"x.npz"}}}), HasSubstr("expected no --data besides"));
  EXPECT_THAT(ErrorOf({{"validation-split", {"0.5"}}}, {LinearSamples(), LinearSamples()}),
              HasSubstr("validation data are given"));
  EXPECT_THAT(ErrorOf({}, {{}, LinearSamples()}), HasSubstr("expected training data with them"));
  EXPECT_THAT(ErrorOf({{"batch-size", {"8"}}}, {}), HasSubstr("found no training data"));
  const absl::StatusOr<std::unique_ptr<ModelTrainer>> none = Make({}, {});
  ASSERT_TRUE(none.ok()) << none.status();
  EXPECT_THAT((*none)->Fit({}).status().message(), HasSubstr("has no training data"));
}

TEST_F(ModelTrainerTest, NoPathIsTwoThings) {
  const absl::Status status = Make({{"output", {folder_.Path("model.onnx")}}}).status();
  EXPECT_EQ(ExitCodeOf(status), kExitCannotCreate);
  EXPECT_THAT(status.message(), HasSubstr("is the input MODEL"));
  EXPECT_THAT(ErrorOf({{"write-class-names", {}}}), HasSubstr("found no --output"));
}

TEST_F(ModelTrainerTest, TheOutputIsTheModelSaved) {
  const std::string path = folder_.Path("out.onnx");
  absl::StatusOr<std::unique_ptr<ModelTrainer>> trainer =
      Make({{"output", {path}}, {"epochs", {"2"}}});
  ASSERT_TRUE(trainer.ok()) << trainer.status();
  const absl::StatusOr<SessionResult> result = (*trainer)->Fit({});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(ReadBytes(path), model_->Serialize().value());
  EXPECT_NE(ReadBytes(path), ReadBytes(folder_.Path("model.onnx")));
}

TEST_F(ModelTrainerTest, StepsNeedNoDataBefore) {
  absl::StatusOr<std::unique_ptr<ModelTrainer>> trainer = Make({{"epochs", {"3"}}}, {});
  ASSERT_TRUE(trainer.ok()) << trainer.status();
  double before = std::numeric_limits<double>::infinity();
  for (int i = 1; i <= 3; ++i) {
    const absl::StatusOr<StepReport> report = (*trainer)->Step(LinearSamples());
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_EQ(report->epoch, i);
    EXPECT_LT(report->loss, before);
    before = report->loss;
  }
  ASSERT_TRUE((*trainer)->Finish().ok());
  EXPECT_THAT((*trainer)->Step(LinearSamples()).status().message(), HasSubstr("has ended"));
}

TEST_F(ModelTrainerTest, AModelThatWasChangedGetsNoWeights) {
  absl::StatusOr<std::unique_ptr<ModelTrainer>> trainer = Make({});
  ASSERT_TRUE(trainer.ok()) << trainer.status();
  ASSERT_TRUE(model_->Change({{"freeze", {"w"}}}).ok());
  EXPECT_THAT((*trainer)->Fit({}).status().message(), HasSubstr("the model was changed"));
}

TEST_F(ModelTrainerTest, SingleStepsTakeNothingOfWholeRuns) {
  absl::StatusOr<std::unique_ptr<ModelTrainer>> kept =
      Make({{"run-directory", {folder_.Path("r")}}});
  ASSERT_TRUE(kept.ok()) << kept.status();
  EXPECT_THAT((*kept)->Step(LinearSamples()).status().message(), HasSubstr("--run-directory"));
  for (const OptionTexts& options :
       {OptionTexts{{"early-stopping", {"2"}}}, OptionTexts{{"schedule", {"reduce_on_plateau"}}}}) {
    const auto trainer = Make(options, {LinearSamples(), LinearSamples()});
    ASSERT_TRUE(trainer.ok()) << trainer.status();
    EXPECT_THAT((*trainer)->Step(LinearSamples()).status().message(),
                HasSubstr("belongs to whole runs"));
  }
}

TEST_F(ModelTrainerTest, AFileOfOptionsSaysNothingElseOfTheModel) {
  const std::string other = folder_.Write("other.toml", std::string("freeze = [\"w\"]\n"));
  EXPECT_THAT(ErrorOf({{"config", {other}}}), HasSubstr("--freeze: found in --config"));
  const std::string same =
      folder_.Write("same.toml", std::string("epochs = 3\nprecision = \"f32\"\nlora-rank = 8\n"));
  const absl::Status status = Make({{"config", {same}}}).status();
  EXPECT_THAT(status.message(), HasSubstr("--lora-rank requires --lora"));
  const std::string run =
      folder_.Write("run.toml", std::string("epochs = 3\nprecision = \"f32\"\n"));
  EXPECT_TRUE(Make({{"config", {run}}}).ok());
}

}  // namespace
}  // namespace strop
