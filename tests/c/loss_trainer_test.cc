// A loss that the caller computes, against the one that is built in.

#include <cmath>

#include "host_program.h"

namespace {

class OutsideLoss : public HostProgram {
 protected:
  Handle<strop_loss_trainer> Create(strop_model* model, const OptionList& options) {
    strop_loss_trainer* trainer = nullptr;
    EXPECT_DONE(
        strop_loss_trainer_create(model, options.data(), options.size(), nullptr, &trainer));
    return Handle<strop_loss_trainer>(trainer);
  }

  // Forty numbers to predict for each of ten rows of features.
  std::vector<float> Numbers() const {
    std::vector<float> numbers;
    for (int i = 0; i < 10 * 3; ++i) numbers.push_back(std::cos(static_cast<float>(i)));
    return numbers;
  }

  Samples samples_;
};

TEST_F(OutsideLoss, StepsAreThoseOfTheLossInside) {
  const std::vector<float> numbers = Numbers();
  const int64_t numbers_shape[] = {10, 3};
  std::vector<strop_tensor> batch = samples_.arrays(0, 10);
  batch[1] = {"target", STROP_FLOAT32, 2, numbers_shape, numbers.data()};

  const Handle<strop_model> inside = Load();
  strop_trainer* raw = nullptr;
  const OptionList with_loss = {{"loss", "mse"},
                                {"optimizer", "adam"},
                                {"learning-rate", "0.01"},
                                {"clip-norm", "1"},
                                {"epochs", "6"}};
  ASSERT_DONE(strop_trainer_create(inside.get(), nullptr, nullptr, with_loss.data(),
                                   with_loss.size(), nullptr, &raw));
  const Handle<strop_trainer> known(raw);

  const Handle<strop_model> outside = Load();
  const Handle<strop_loss_trainer> trainer =
      Create(outside.get(), {{"optimizer", "adam"}, {"learning-rate", "0.01"}, {"clip-norm", "1"}});
  for (int i = 0; i < 6; ++i) {
    strop_step step = {};
    ASSERT_DONE(strop_trainer_step(raw, batch.data(), 2, &step));

    const strop_tensor* outputs = nullptr;
    size_t count = 0;
    ASSERT_DONE(strop_loss_trainer_forward(trainer.get(), batch.data(), 1, &outputs, &count));
    ASSERT_EQ(count, 1u);
    ASSERT_EQ(outputs[0].shape[0] * outputs[0].shape[1], 30);
    const auto* found = static_cast<const float*>(outputs[0].data);
    double sum = 0;
    std::vector<float> gradient(30);
    for (size_t k = 0; k < 30; ++k) {
      const float error = found[k] - numbers[k];
      sum += error * error;
      gradient[k] = 1.0f / 30 * (2 * error);
    }
    EXPECT_EQ(static_cast<double>(static_cast<float>(sum / 30)), step.loss) << i;
    const strop_tensor given = {outputs[0].name, STROP_FLOAT32, 2, numbers_shape, gradient.data()};
    double norm = 0;
    const double rate = i < 3 ? 0.01 : NAN;  // which is that of the options
    ASSERT_DONE(strop_loss_trainer_step(trainer.get(), &given, 1, rate, &norm));
    EXPECT_EQ(norm, step.gradient_norm) << i;
  }
  ASSERT_DONE(strop_trainer_finish(raw));
  ASSERT_DONE(strop_loss_trainer_finish(trainer.get()));
  EXPECT_EQ(Saved(outside.get()), Saved(inside.get()));
  EXPECT_NE(Saved(outside.get()), Contents("model.onnx"));
}

TEST_F(OutsideLoss, GivesTheModelItsWeightsWhenAsked) {
  const Handle<strop_model> model = Load();
  const Handle<strop_loss_trainer> trainer = Create(model.get(), {{"optimizer", "sgd"}});
  const strop_tensor* outputs = nullptr;
  size_t count = 0;
  const auto step = [&](float gradient) {
    std::vector<float> all(30, gradient);
    const int64_t shape[] = {10, 3};
    const strop_tensor given = {"logits", STROP_FLOAT32, 2, shape, all.data()};
    EXPECT_DONE(strop_loss_trainer_forward(trainer.get(), samples_.arrays(0, 10).data(), 1,
                                           &outputs, &count));
    EXPECT_DONE(
        strop_loss_trainer_step(trainer.get(), &given, gradient == 0 ? 0 : 1, 0.5, nullptr));
  };
  step(0);  // no output is named
  ASSERT_DONE(strop_loss_trainer_finish(trainer.get()));
  EXPECT_EQ(Saved(model.get()), Contents("model.onnx"));
  const std::vector<float> before = Parameter(model.get(), "classifier.bias");
  step(0.25f);
  EXPECT_EQ(Parameter(model.get(), "classifier.bias"), before);
  ASSERT_DONE(strop_loss_trainer_finish(trainer.get()));
  const std::vector<float> after = Parameter(model.get(), "classifier.bias");
  // Σ over ten rows of 0.25, times a rate of 0.5.
  for (size_t k = 0; k < 3; ++k) EXPECT_FLOAT_EQ(after[k], before[k] - 1.25f);
}

TEST_F(OutsideLoss, RefusesWhatIsNoStep) {
  const Handle<strop_model> model = Load();
  strop_loss_trainer* none = nullptr;
  const strop_option loss = {"loss", "mse"};
  EXPECT_FAILS(strop_loss_trainer_create(model.get(), &loss, 1, nullptr, &none), STROP_USAGE,
               "loss");
  EXPECT_EQ(none, nullptr);
  const Handle<strop_loss_trainer> trainer = Create(model.get(), {{"optimizer", "sgd"}});
  EXPECT_FAILS(strop_loss_trainer_step(trainer.get(), nullptr, 0, 0.1, nullptr), STROP_USAGE,
               "without a forward pass");
  const strop_tensor* outputs = nullptr;
  size_t count = 0;
  ASSERT_DONE(strop_loss_trainer_forward(trainer.get(), samples_.arrays(0, 10).data(), 1, &outputs,
                                         &count));
  const std::vector<float> gradient(30, 1.0f);
  const int64_t flat[] = {30};
  const int64_t right[] = {10, 3};
  const strop_tensor wrong_shape = {"logits", STROP_FLOAT32, 1, flat, gradient.data()};
  const strop_tensor wrong_name = {"probabilities", STROP_FLOAT32, 2, right, gradient.data()};
  EXPECT_FAILS(strop_loss_trainer_step(trainer.get(), &wrong_shape, 1, 0.1, nullptr),
               STROP_BAD_DATA, "[30]");
  EXPECT_FAILS(strop_loss_trainer_step(trainer.get(), &wrong_name, 1, 0.1, nullptr), STROP_BAD_DATA,
               "probabilities");
}

}  // namespace
