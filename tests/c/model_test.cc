// Models in a C program: against formulas in double, and the files that the program writes.

#include <algorithm>
#include <cmath>
#include <fstream>
#include <strop/strop.hpp>
#include <utility>
#include <vector>

#include "host_program.h"

namespace {

using ModelInC = HostProgram;

constexpr float kRows[] = {0.5f, -1, 2, 0.25f, -0.75f, 1, 1.5f, -2};  // [2, 4]
constexpr int64_t kRowsShape[] = {2, 4};
const strop_tensor kInput = {"features", STROP_FLOAT32, 2, kRowsShape, kRows};

const strop_parameter* Find(const strop_model* model, const std::string& name) {
  for (size_t i = 0; i < strop_model_parameter_count(model); ++i) {
    const strop_parameter* parameter = strop_model_parameter(model, i);
    if (parameter->name == name) return parameter;
  }
  ADD_FAILURE() << name;
  return nullptr;
}

// The logits of kRows, [2, 3].
std::vector<float> LogitsOf(strop_model* model) {
  strop_tensors* raw = nullptr;
  EXPECT_DONE(strop_model_run(model, &kInput, 1, &raw));
  const Handle<strop_tensors> outputs(raw);
  if (strop_tensors_count(raw) != 1) return {};
  const strop_tensor* logits = strop_tensors_at(raw, 0);
  EXPECT_STREQ(logits->name, "logits");
  EXPECT_EQ(logits->rank, 2u);
  const auto* elements = static_cast<const float*>(logits->data);
  return {elements, elements + logits->shape[0] * logits->shape[1]};
}

TEST_F(ModelInC, TellsTheMetadataOfTheFile) {
  EXPECT_EQ(strop_model_metadata_count(Load().get()), 0u);
  // metadata_props, field 14 of ModelProto, twice: key, field 1, and value, field 2.
  std::ofstream(Path("model.onnx"), std::ios::app | std::ios::binary) << "\x72\x0d\x0a\x06"
                                                                         "author"
                                                                         "\x12\x03"
                                                                         "who"
                                                                      << "\x72\x09\x0a\x03"
                                                                         "day"
                                                                         "\x12\x02"
                                                                         "\xc3\xbc";
  const Handle<strop_model> model = Load();
  ASSERT_EQ(strop_model_metadata_count(model.get()), 2u);
  EXPECT_STREQ(strop_model_metadata(model.get(), 0)->name, "author");
  EXPECT_STREQ(strop_model_metadata(model.get(), 0)->value, "who");
  EXPECT_STREQ(strop_model_metadata(model.get(), 1)->name, "day");
  EXPECT_STREQ(strop_model_metadata(model.get(), 1)->value, "ü");
  EXPECT_EQ(strop_model_metadata(model.get(), 2), nullptr);
  const std::vector<std::pair<std::string, std::string>> expected = {{"author", "who"},
                                                                     {"day", "ü"}};
  EXPECT_EQ(strop::Model(Path("model.onnx")).metadata(), expected);
}

TEST_F(ModelInC, SaysWhatItTakesAndGives) {
  const Handle<strop_model> model = Load();
  ASSERT_EQ(strop_model_input_count(model.get()), 1u);
  const strop_value* input = strop_model_input(model.get(), 0);
  EXPECT_STREQ(input->name, "features");
  EXPECT_EQ(input->type, STROP_FLOAT32);
  ASSERT_EQ(input->rank, 2u);
  EXPECT_EQ(input->shape[0], -1);
  EXPECT_EQ(input->shape[1], 4);
  ASSERT_EQ(strop_model_output_count(model.get()), 1u);
  EXPECT_STREQ(strop_model_output(model.get(), 0)->name, "logits");
  EXPECT_EQ(strop_model_output(model.get(), 0)->shape[1], 3);
  EXPECT_EQ(strop_model_input(model.get(), 1), nullptr);
  EXPECT_EQ(strop_model_output(model.get(), 1), nullptr);
  EXPECT_EQ(strop_model_parameter(model.get(), 4), nullptr);

  ASSERT_EQ(strop_model_parameter_count(model.get()), 4u);
  const strop_parameter* weight = Find(model.get(), "hidden.0.linear.weight");
  EXPECT_EQ(weight->type, STROP_FLOAT32);
  EXPECT_EQ(weight->shape[0], 8);
  EXPECT_EQ(weight->shape[1], 4);
  EXPECT_EQ(weight->role, STROP_TRAINED);
  EXPECT_STREQ(weight->reason, "weight of \"hidden.0.linear\" (Gemm)");
  EXPECT_EQ(weight->position, 0);
  EXPECT_EQ(Find(model.get(), "hidden.0.linear.bias")->position, 0);
  EXPECT_EQ(Find(model.get(), "classifier.weight")->position, 2);  // behind the activation
}

TEST_F(ModelInC, RunsAsTheFormulaSays) {
  const Handle<strop_model> model = Load();
  const auto w0 = Parameter(model.get(), "hidden.0.linear.weight");
  const auto w1 = Parameter(model.get(), "classifier.weight");
  std::vector<float> b0 = {1, -1, 0.5f, 0, 0.25f, -0.5f, 2, -2};
  std::vector<float> b1 = {3, -4, 5};
  const int64_t hidden = 8, classes = 3;
  const strop_tensor biases[] = {{"hidden.0.linear.bias", STROP_FLOAT32, 1, &hidden, b0.data()},
                                 {"classifier.bias", STROP_FLOAT32, 1, &classes, b1.data()}};
  for (const strop_tensor& bias : biases)
    ASSERT_DONE(strop_model_write_parameter(model.get(), &bias));
  const std::vector<float> given = b1;
  b1.assign(3, 0);  // they were copied
  EXPECT_EQ(Parameter(model.get(), "classifier.bias"), given);

  const std::vector<float> logits = LogitsOf(model.get());
  ASSERT_EQ(logits.size(), 6u);
  for (size_t row = 0; row < 2; ++row) {
    for (size_t k = 0; k < 3; ++k) {
      double sum = given[k];
      for (size_t j = 0; j < 8; ++j) {
        double unit = b0[j];
        for (size_t i = 0; i < 4; ++i) unit += double{w0[j * 4 + i]} * kRows[row * 4 + i];
        sum += std::max(unit, 0.0) * w1[k * 8 + j];
      }
      EXPECT_NEAR(logits[row * 3 + k], sum, 1e-5);
    }
  }
}

TEST_F(ModelInC, WhatIsNotTrainedIsSavedToTheByte) {
  const Handle<strop_model> model = Load();
  const std::string file = Contents("model.onnx");
  EXPECT_EQ(Saved(model.get()), file);
  strop_bytes* raw = nullptr;
  ASSERT_DONE(strop_model_serialize(model.get(), &raw));
  const Handle<strop_bytes> bytes(raw);
  EXPECT_EQ(Text(raw), file);
  EXPECT_EQ(static_cast<const char*>(strop_bytes_data(raw))[strop_bytes_size(raw)], '\0');

  strop_model* again = nullptr;
  ASSERT_DONE(strop_model_load_bytes(strop_bytes_data(raw), strop_bytes_size(raw), nullptr, 0,
                                     nullptr, &again));
  const Handle<strop_model> from_bytes(again);
  EXPECT_EQ(LogitsOf(again), LogitsOf(model.get()));
}

TEST_F(ModelInC, PatternsSayWhatIsTrained) {
  const Handle<strop_model> model = Load();
  const auto role = [&](const char* name) { return Find(model.get(), name)->role; };
  ASSERT_DONE(strop_model_freeze(model.get(), "hidden.*"));
  EXPECT_EQ(role("hidden.0.linear.weight"), STROP_FROZEN);
  EXPECT_EQ(role("classifier.weight"), STROP_TRAINED);
  ASSERT_DONE(strop_model_train_only(model.get(), "*.bias"));
  EXPECT_EQ(role("classifier.weight"), STROP_FROZEN);
  EXPECT_EQ(role("classifier.bias"), STROP_TRAINED);
  EXPECT_EQ(role("hidden.0.linear.bias"), STROP_FROZEN);  // freeze has the last word
  EXPECT_FAILS(strop_model_freeze(model.get(), "nothing.like.this"), STROP_BAD_DATA,
               "matches no floating tensor");
  EXPECT_EQ(role("classifier.bias"), STROP_TRAINED);
}

TEST_F(ModelInC, TakesANewHead) {
  const Handle<strop_model> model = Load({{"seed", "3"}});
  ASSERT_DONE(strop_model_replace_head(model.get(), 5, nullptr));
  EXPECT_EQ(strop_model_output(model.get(), 0)->shape[1], 5);
  EXPECT_EQ(LogitsOf(model.get()).size(), 10u);
  Samples samples;
  WriteSamples(samples);
  Strop("train " + Path("model.onnx") + " --replace-head 5 --seed 3 --data " +
        Path("features.npy") + "," + Path("targets.npy") + " --loss cross_entropy --epochs 0 -o " +
        Path("head.onnx"));
  EXPECT_EQ(Saved(model.get()), Contents("head.onnx"));
}

TEST_F(ModelInC, TakesAdaptersAndRoundingOnce) {
  const Handle<strop_model> adapted = Load();
  const std::vector<float> before = LogitsOf(adapted.get());
  const strop_option lora[] = {{"lora", "hidden.*"}, {"lora-rank", "2"}};
  ASSERT_DONE(strop_model_add_lora(adapted.get(), lora, 2));
  EXPECT_EQ(LogitsOf(adapted.get()), before);  // B begins with zeros
  EXPECT_EQ(Find(adapted.get(), "classifier.weight")->role, STROP_FROZEN);
  EXPECT_FAILS(strop_model_add_lora(adapted.get(), lora, 2), STROP_USAGE, "--lora");

  const Handle<strop_model> rounded = Load();
  const strop_option quantize[] = {{"quantize", "int8"}};
  ASSERT_DONE(strop_model_quantize(rounded.get(), quantize, 1));
  EXPECT_FAILS(strop_model_quantize(rounded.get(), quantize, 1), STROP_USAGE, "--quantize");
}

TEST_F(ModelInC, SaysWhyItCannotBeLoaded) {
  strop_model* const untouched = reinterpret_cast<strop_model*>(8);
  strop_model* model = untouched;
  const auto load = [&](const std::string& name, const OptionList& options) {
    return strop_model_load(Path(name).c_str(), options.data(), options.size(), nullptr, &model);
  };
  EXPECT_FAILS(load("missing.onnx", {}), STROP_NO_INPUT, "missing.onnx");
  EXPECT_FAILS(load("model.onnx", {{"freze", "*"}}), STROP_USAGE, "did you mean freeze");
  EXPECT_FAILS(load("model.onnx", {{"seed", "many"}}), STROP_USAGE, "found \"many\"");
  EXPECT_FAILS(load("model.onnx", {{"seed", nullptr}}), STROP_USAGE, "--seed: found no value");
  EXPECT_FAILS(load("model.onnx", {{"seed", "1"}, {"seed", "2"}}), STROP_USAGE, "given 2 times");
  EXPECT_FAILS(strop_model_load_bytes("not a model", 11, nullptr, 0, nullptr, &model),
               STROP_BAD_DATA, "");
  EXPECT_EQ(model, untouched);
}

TEST_F(ModelInC, RefusesWhatDoesNotFit) {
  const Handle<strop_model> model = Load();
  strop_tensors* const untouched = reinterpret_cast<strop_tensors*>(8);
  strop_tensors* outputs = untouched;
  const auto run = [&](const strop_tensor& input, size_t count = 1) {
    return strop_model_run(model.get(), &input, count, &outputs);
  };
  strop_tensor other = kInput;
  other.name = "pixels";
  EXPECT_FAILS(run(other), STROP_BAD_DATA, "features");
  EXPECT_FAILS(run(kInput, 0), STROP_BAD_DATA, "features");
  const int64_t flat[] = {1, 8};
  other = kInput;
  other.shape = flat;
  EXPECT_FAILS(run(other), STROP_BAD_DATA, "[1,8]");
  EXPECT_EQ(outputs, untouched);

  const int64_t one = 1;
  const strop_tensor bias = {"classifier.bias", STROP_FLOAT32, 1, &one, kRows};
  EXPECT_FAILS(strop_model_write_parameter(model.get(), &bias), STROP_BAD_DATA, "expected [3]");
  strop_tensors* elements = untouched;
  EXPECT_FAILS(strop_model_read_parameter(model.get(), "nobody", &elements), STROP_BAD_DATA,
               "nobody");
  EXPECT_FAILS(strop_model_save(model.get(), Path("no/folder/x.onnx").c_str(), nullptr, 0),
               STROP_CANNOT_CREATE, "no/folder");
  const strop_option option = {"lora-export", "peft"};
  EXPECT_FAILS(strop_model_save(model.get(), Path("x.onnx").c_str(), &option, 1), STROP_USAGE,
               "adapters");
}

}  // namespace
