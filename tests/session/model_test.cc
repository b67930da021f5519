#include "plugin/session/model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "plugin/session/training_session.h"
#include "tests/importer/test_models.h"
#include "tests/session/linear_samples.h"

namespace strop {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::unique_ptr<Model> Load(const TestFolder& folder, const OptionTexts& options = {}) {
  absl::StatusOr<std::unique_ptr<Model>> model =
      Model::Load(folder.Path("model.onnx"), options, Listener());
  EXPECT_TRUE(model.ok()) << model.status();
  return *std::move(model);
}

Parameter::Role RoleOf(const Model& model, const std::string& name) {
  for (const Parameter& parameter : model.imported().parameters) {
    if (parameter.name == name) return parameter.role;
  }
  ADD_FAILURE() << name;
  return Parameter::Role::kFrozen;
}

std::vector<float> Elements(const Model& model, const std::string& name) {
  const absl::StatusOr<Tensor> tensor = model.ReadParameter(name);
  EXPECT_TRUE(tensor.ok()) << tensor.status();
  const auto elements = tensor->elements<float>();
  return {elements.begin(), elements.end()};
}

// Two epochs of mean squared error.
void Train(Model& model, const OptionTexts& options = {}) {
  OptionSet set;
  TrainOptions training;
  AddTrainOptions(set, training);
  for (const char* name : {"MODEL", "data", "output"}) set.at(name).is_required = false;
  OptionTexts texts = {{"loss", {"mse"}}, {"epochs", {"2"}}};
  texts.insert(texts.end(), options.begin(), options.end());
  ASSERT_TRUE(GiveTexts(texts, set).ok());
  absl::StatusOr<std::unique_ptr<TrainingSession>> session =
      TrainingSession::Create(training, {.model = model.prepared(), .training = LinearSamples()});
  ASSERT_TRUE(session.ok()) << session.status();
  const absl::StatusOr<SessionResult> result = (*session)->Run();
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_TRUE(result->end.ok() && result->has_weights) << result->end;
}

class ModelTest : public ::testing::Test {
 protected:
  ModelTest() { folder_.Write("model.onnx", LinearModel()); }

  std::string Saved(Model& model, const std::string& name) {
    const absl::StatusOr<ExportNotes> notes = model.Save(folder_.Path(name), {});
    EXPECT_TRUE(notes.ok()) << notes.status();
    return ReadBytes(folder_.Path(name));
  }

  TestFolder folder_;
};

TEST_F(ModelTest, WhatIsNotTrainedIsSavedToTheByte) {
  const std::unique_ptr<Model> model = Load(folder_);
  EXPECT_EQ(Saved(*model, "same.onnx"), ReadBytes(folder_.Path("model.onnx")));
  EXPECT_EQ(model->Serialize().value(), ReadBytes(folder_.Path("model.onnx")));
}

TEST_F(ModelTest, RunsAsTheFormulaSays) {
  const std::unique_ptr<Model> model = Load(folder_);
  const std::vector<NamedTensor> inputs = {
      {"x", Tensor::FromVector<float>({1, 4}, std::vector<float>{1, 0, -1, 2})}};
  const absl::StatusOr<std::vector<NamedTensor>> outputs = model->Run(inputs);
  ASSERT_TRUE(outputs.ok()) << outputs.status();
  const std::vector<float> w = Elements(*model, "w");
  const std::vector<float> b = Elements(*model, "b");
  for (size_t j = 0; j < 3; ++j) {
    const float y = w[j] - w[6 + j] + 2 * w[9 + j] + b[j];
    EXPECT_FLOAT_EQ((*outputs)[0].tensor.elements<float>()[j], y);
  }
}

TEST_F(ModelTest, ATrainingLeavesItsWeightsInTheModel) {
  const std::unique_ptr<Model> model = Load(folder_);
  Train(*model);
  const std::string saved = Saved(*model, "trained.onnx");
  EXPECT_EQ(model->Serialize().value(), saved);
  EXPECT_NE(saved, ReadBytes(folder_.Path("model.onnx")));
  // What was saved is what was trained: another two epochs from either end alike.
  const absl::StatusOr<std::unique_ptr<Model>> again = Model::LoadBytes(saved, {}, Listener());
  ASSERT_TRUE(again.ok()) << again.status();
  Train(*model);
  Train(**again);
  EXPECT_EQ((*again)->Serialize().value(), model->Serialize().value());
}

TEST_F(ModelTest, WeightsStayWhenWhatIsTrainedChanges) {
  const std::unique_ptr<Model> model = Load(folder_);
  Train(*model);
  const std::vector<float> w = Elements(*model, "w");
  ASSERT_TRUE(model->Change({{"freeze", {"w"}}}).ok());
  EXPECT_EQ(RoleOf(*model, "w"), Parameter::Role::kFrozen);
  EXPECT_EQ(RoleOf(*model, "b"), Parameter::Role::kTrained);
  EXPECT_EQ(Elements(*model, "w"), w);
  const std::vector<float> b = Elements(*model, "b");
  Train(*model);
  EXPECT_EQ(Elements(*model, "w"), w);
  EXPECT_NE(Elements(*model, "b"), b);
  // The frozen weight is saved as it was trained before.
  const absl::StatusOr<std::unique_ptr<Model>> saved =
      Model::LoadBytes(model->Serialize().value(), {}, Listener());
  EXPECT_EQ(Elements(**saved, "w"), w);
}

TEST_F(ModelTest, ANewHeadComesOnTopOfTrainedWeights) {
  const std::unique_ptr<Model> model = Load(folder_);
  Train(*model);
  const std::vector<float> w = Elements(*model, "w");
  ASSERT_TRUE(model->Change({{"replace-head", {"5"}}, {"head-at", {"y"}}}).ok());
  EXPECT_EQ(Elements(*model, "w"), w);
  EXPECT_THAT(model->outputs()[0].type.shape->back(), 5);
}

TEST_F(ModelTest, TrainedAdaptersAreMergedWhenSaved) {
  const std::unique_ptr<Model> model = Load(folder_, {{"lora", {"*"}}, {"lora-rank", {"1"}}});
  Train(*model, {{"learning-rate", {"0.1"}}});
  const std::vector<NamedTensor> inputs = {
      {"x", Tensor::FromVector<float>({1, 4}, std::vector<float>{1, 2, 3, 4})}};
  const std::vector<NamedTensor> adapted = model->Run(inputs).value();
  const absl::StatusOr<std::unique_ptr<Model>> merged =
      Model::LoadBytes(model->Serialize().value(), {}, Listener());
  const std::vector<NamedTensor> outputs = (*merged)->Run(inputs).value();
  for (size_t j = 0; j < 3; ++j) {
    EXPECT_NEAR(outputs[0].tensor.elements<float>()[j], adapted[0].tensor.elements<float>()[j],
                1e-4);
  }
  EXPECT_NE(Elements(**merged, "w"), Elements(*Load(folder_), "w"));
  const absl::Status status = model->Change({{"freeze", {"b"}}});
  EXPECT_THAT(status.message(), HasSubstr("have been trained; save it"));
}

TEST_F(ModelTest, WritesAndReadsParameters) {
  const std::unique_ptr<Model> model = Load(folder_);
  const std::vector<double> b = {1, 2, 3};
  ASSERT_TRUE(model->WriteParameter({"b", Tensor::FromVector<double>({3}, b)}).ok());
  EXPECT_THAT(Elements(*model, "b"), ElementsAre(1, 2, 3));
  EXPECT_NE(model->Serialize().value(), ReadBytes(folder_.Path("model.onnx")));
  EXPECT_THAT(model->WriteParameter({"b", Tensor::FromVector<double>({1, 3}, b)}).message(),
              HasSubstr("found shape [1,3], expected [3]"));
  EXPECT_THAT(model->WriteParameter({"c", Tensor::FromVector<double>({3}, b)}).message(),
              HasSubstr("none of that name"));
}

TEST_F(ModelTest, ARefusedChangeLeavesTheModelAsItWas) {
  const std::unique_ptr<Model> model = Load(folder_);
  Train(*model);
  const std::string before = model->Serialize().value();
  EXPECT_FALSE(model->Change({{"freeze", {"nothing*"}}}).ok());
  EXPECT_FALSE(model->Change({{"replace-head", {"0"}}}).ok());
  EXPECT_FALSE(model->Change({{"lora-rank", {"2"}}}).ok());
  EXPECT_THAT(model->Change({{"precision", {"f64"}}}).message(), HasSubstr("when loading"));
  EXPECT_THAT(model->Change({{"freze", {"w"}}}).message(), HasSubstr("freeze"));
  EXPECT_EQ(model->Serialize().value(), before);
  EXPECT_EQ(RoleOf(*model, "w"), Parameter::Role::kTrained);
  Train(*model);
}

TEST_F(ModelTest, HalfTypesAreTheFilesOutsideAndWideInside) {
  onnx::ModelProto half = LinearModel();
  half.mutable_graph()->mutable_input(0)->mutable_type()->mutable_tensor_type()->set_elem_type(10);
  half.mutable_graph()->mutable_output(0)->mutable_type()->mutable_tensor_type()->set_elem_type(10);
  for (onnx::TensorProto& tensor : *half.mutable_graph()->mutable_initializer()) {
    tensor.set_data_type(10);
    std::string raw(tensor.raw_data().size() / 2, '\0');
    for (size_t i = 0; i < raw.size() / 2; ++i) {
      raw[2 * i + 1] = 0x3c;  // 1
    }
    tensor.set_raw_data(raw);
  }
  folder_.Write("model.onnx", half);
  const std::unique_ptr<Model> model = Load(folder_);
  EXPECT_EQ(model->inputs()[0].type.element_type, DataType::kFloat16);
  EXPECT_EQ(model->ReadParameter("w")->type(), DataType::kFloat);
  Train(*model);
  const std::vector<NamedTensor> inputs = {
      {"x", Tensor::FromVector<float>({1, 4}, std::vector<float>{1, 0, 0, 0})}};
  const std::vector<NamedTensor> outputs =
      model->Run({{"x", ConvertTensor(inputs[0].tensor, DataType::kFloat16).value()}}).value();
  EXPECT_EQ(outputs[0].tensor.type(), DataType::kFloat16);
  const std::vector<double> y = NumericElements(outputs[0].tensor).value();
  const float expected = Elements(*model, "w")[0] + Elements(*model, "b")[0];
  EXPECT_NEAR(y[0], expected, 2e-3 * std::abs(expected));
}

TEST_F(ModelTest, AModelInMemoryReachesNoFile) {
  onnx::ModelProto model = LinearModel();
  onnx::TensorProto& w = *model.mutable_graph()->mutable_initializer(0);
  w.clear_raw_data();
  w.set_data_location(onnx::TensorProto::EXTERNAL);
  auto* location = w.add_external_data();
  location->set_key("location");
  location->set_value("model_test.weights");
  std::ofstream("model_test.weights") << std::string(48, '\0');
  const absl::StatusOr<std::unique_ptr<Model>> loaded =
      Model::LoadBytes(model.SerializeAsString(), {}, Listener());
  std::filesystem::remove("model_test.weights");
  EXPECT_THAT(loaded.status().message(), HasSubstr("the model is in memory"));
}

TEST_F(ModelTest, ExternalDataAreTakenIn) {
  onnx::ModelProto model = LinearModel();
  onnx::TensorProto& w = *model.mutable_graph()->mutable_initializer(0);
  folder_.Write("w.bin", w.raw_data());
  w.clear_raw_data();
  w.set_data_location(onnx::TensorProto::EXTERNAL);
  auto* location = w.add_external_data();
  location->set_key("location");
  location->set_value("w.bin");
  folder_.Write("model.onnx", model);
  const std::unique_ptr<Model> from_file = Load(folder_);
  Train(*from_file);
  const absl::StatusOr<std::unique_ptr<Model>> from_bytes =
      Model::LoadBytes(from_file->Serialize().value(), {}, Listener());
  ASSERT_TRUE(from_bytes.ok()) << from_bytes.status();
  EXPECT_EQ(Elements(**from_bytes, "w"), Elements(*from_file, "w"));
}

}  // namespace
}  // namespace strop
