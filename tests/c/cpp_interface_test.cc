// The C++ interface: what it makes of its arguments, and what callbacks throw.

#include <stdexcept>
#include <strop/strop.hpp>

#include "host_program.h"

namespace {

struct OwnError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class CppInterface : public HostProgram {
 protected:
  strop::Model Model(strop::Listener listener = {}) {
    return strop::Model(Path("model.onnx"), {{"seed", 1}}, std::move(listener));
  }
  strop::Data Data() {
    return strop::Data::Arrays(
        {{"features", samples_.features, {50, 4}}, {"target", samples_.targets, {50}}});
  }

  const strop::Options options_ = {
      {"loss", "cross_entropy"}, {"batch-size", 10}, {"epochs", 2},
      {"learning-rate", 0.1},    {"no-shuffle"},     {"optimizer", "sgd"}};
  Samples samples_;
};

TEST_F(CppInterface, DoesWhatTheInterfaceInCDoes) {
  strop::Model model = Model();
  EXPECT_EQ(model.inputs()[0].name, "features");
  EXPECT_EQ(*model.inputs()[0].shape, (strop::Shape{-1, 4}));
  EXPECT_EQ(model.parameters().size(), 4u);
  std::vector<double> losses;
  strop::Trainer trainer(model, Data(), Data(), options_);
  const strop::Result result =
      trainer.Fit({.on_step = [&](const strop::Step& step) { losses.push_back(step.loss); }});
  EXPECT_EQ(result.steps, 10);

  const Handle<strop_model> in_c = Load({{"seed", "1"}});
  const Handle<strop_data> data = DataOf(samples_);
  const OptionList same = {{"loss", "cross_entropy"}, {"batch-size", "10"},
                           {"epochs", "2"},           {"learning-rate", "0.1"},
                           {"no-shuffle", nullptr},   {"optimizer", "sgd"}};
  strop_trainer* raw = nullptr;
  ASSERT_DONE(strop_trainer_create(in_c.get(), data.get(), data.get(), same.data(), same.size(),
                                   nullptr, &raw));
  const Handle<strop_trainer> trainer_in_c(raw);
  ASSERT_DONE(strop_trainer_fit(raw, nullptr, nullptr));
  EXPECT_EQ(std::string(model.Serialize().text()), Saved(in_c.get()));
  EXPECT_EQ(losses.size(), 10u);
  const strop::Bytes bytes = model.Serialize();
  model.Save(Path("cpp.onnx"));
  EXPECT_EQ(std::string(bytes.text()), Contents("cpp.onnx"));
  strop::Model again = strop::Model::FromBytes(bytes.span());
  const strop::Tensors outputs = again.Run({{"features", samples_.features, {50, 4}}});
  EXPECT_EQ(outputs["logits"].shape(), (strop::Shape{50, 3}));
  EXPECT_EQ(outputs[0].elements<float>().size(), 150u);
}

TEST_F(CppInterface, AModelKnowsItsClasses) {
  strop::Model model = Model();
  EXPECT_TRUE(model.class_names().empty());
  EXPECT_EQ(strop_model_class_name(model.get(), 0), nullptr);
  strop::Options options = options_;
  options.push_back({"class-names", "one,two,three"});
  strop::Trainer(model, Data(), options).Fit();
  const std::vector<std::string> expected = {"one", "two", "three"};
  EXPECT_EQ(model.class_names(), expected);
  model.Save(Path("named.onnx"), {{"write-class-names"}});
  EXPECT_EQ(strop::Model(Path("named.onnx")).class_names(), expected);
  EXPECT_EQ(strop_model_class_count(nullptr), 0u);
}

TEST_F(CppInterface, PredictsAsTrainingSeesSamples) {
  strop::Model model = Model();
  std::vector<float> doubled = samples_.features;
  for (float& number : doubled) number *= 2;
  const strop::Tensors expected = model.Run({{"features", doubled, {50, 4}}});
  strop::Trainer trainer(model, {{"mean", 0}, {"std", 0.5}});
  for (const int64_t batch_size : {0, 7, 50}) {
    const strop::Tensors found = trainer.Predict(Data(), batch_size);
    EXPECT_EQ(found["logits"].shape(), (strop::Shape{50, 3}));
    for (size_t i = 0; i < 150; ++i) {
      EXPECT_NEAR(found[0].elements<float>()[i], expected[0].elements<float>()[i], 1e-5);
    }
  }
}

TEST_F(CppInterface, WhatFailsThrowsWithItsStatus) {
  try {
    strop::Model missing(Path("missing.onnx"));
    FAIL();
  } catch (const strop::Error& error) {
    EXPECT_EQ(error.status(), STROP_NO_INPUT);
    EXPECT_NE(std::string(error.what()).find("missing.onnx"), std::string::npos);
  }
  strop::Model model = Model();
  const strop::Tensors outputs = model.Run({{"features", samples_.features, {50, 4}}});
  EXPECT_THROW(outputs["nobody"], strop::Error);
  EXPECT_THROW(outputs[0].elements<double>(), strop::Error);
  EXPECT_THROW(strop::TensorView("x", samples_.features, {7, 4}), strop::Error);
}

TEST_F(CppInterface, WhatACallbackThrowsComesOutOfTheCall) {
  const auto throws = [](const auto&...) { throw OwnError("mine"); };
  for (int which = 0; which < 3; ++which) {
    strop::Model model = Model();
    strop::Trainer trainer(model, Data(), options_);
    strop::Callbacks callbacks;
    int steps = 0;
    if (which == 0)
      callbacks.on_step = [&](const strop::Step&) {
        ++steps;
        throw OwnError("mine");
      };
    if (which == 1) callbacks.on_epoch = throws;
    if (which == 2) callbacks.should_stop = []() -> bool { throw OwnError("mine"); };
    EXPECT_THROW(trainer.Fit(callbacks), OwnError) << which;
    EXPECT_EQ(steps, which == 0 ? 1 : 0);  // the run ended with it
    // Nothing of it is left: the next call is as any other.
    EXPECT_NO_THROW(model.Run({{"features", samples_.features, {50, 4}}}));
  }
}

TEST_F(CppInterface, WhatAReaderThrowsComesOutOfTheCall) {
  bool fails = false;
  const strop::Data data = strop::Data::Reader(
      50, {{"features", STROP_FLOAT32, {4}}, {"target", STROP_INT64, {}}},
      [&](std::span<const int64_t> indices, std::span<void* const> buffers) {
        if (fails) throw OwnError("the disk is gone");
        for (size_t i = 0; i < indices.size(); ++i) {
          std::copy_n(&samples_.features[static_cast<size_t>(indices[i]) * 4], 4,
                      static_cast<float*>(buffers[0]) + i * 4);
          static_cast<int64_t*>(buffers[1])[i] = samples_.targets[static_cast<size_t>(indices[i])];
        }
      });
  strop::Model by_reader = Model();
  strop::Model by_arrays = Model();
  strop::Trainer(by_reader, data, options_).Fit();
  strop::Trainer(by_arrays, Data(), options_).Fit();
  EXPECT_EQ(by_reader.Serialize().text(), by_arrays.Serialize().text());

  strop::Trainer failing(by_reader, data, options_);
  fails = true;
  try {
    failing.Fit();
    FAIL();
  } catch (const OwnError& error) {
    EXPECT_STREQ(error.what(), "the disk is gone");
  }
}

TEST_F(CppInterface, ATrainerKeepsItsModelAndItsData) {
  std::unique_ptr<strop::Trainer> trainer;
  {
    strop::Model model = Model();
    trainer = std::make_unique<strop::Trainer>(model, Data(), options_);
  }
  EXPECT_EQ(trainer->Fit().steps, 10);
}

TEST_F(CppInterface, OptionsAreTextsThatReadBackAsTheyWere) {
  EXPECT_EQ(*strop::Option("epochs", 5).value, "5");
  EXPECT_EQ(std::stod(*strop::Option("learning-rate", 0.1).value), 0.1);
  EXPECT_EQ(std::stod(*strop::Option("epsilon", 1e-300).value), 1e-300);
  EXPECT_EQ(*strop::Option("nesterov", false).value, "false");
  EXPECT_FALSE(strop::Option("nesterov").value.has_value());
}

TEST_F(CppInterface, ATensorKeepsItsElements) {
  std::vector<int16_t> numbers = {1, -2, 3};
  const strop::Tensor kept("x", numbers, {3});
  numbers.assign(3, 0);
  EXPECT_EQ(kept.type(), STROP_INT16);
  EXPECT_EQ(kept.elements<int16_t>()[1], -2);
  EXPECT_EQ(kept.byte_count(), 6u);
}

}  // namespace
