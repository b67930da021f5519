// A whole run on a loss that the caller's function computes, against the one that is built in.

#include <cmath>
#include <cstring>
#include <stdexcept>
#include <strop/strop.hpp>

#include "host_program.h"

namespace {

// What torch.nn.CrossEntropyLoss says of [n, 3] logits and n labels.
double CrossEntropy(const float* logits, const int64_t* labels, int64_t count, float* gradient) {
  double loss = 0;
  for (int64_t row = 0; row < count; ++row) {
    const float* x = logits + row * 3;
    double sum = 0;
    for (int k = 0; k < 3; ++k) sum += std::exp(static_cast<double>(x[k]));
    loss += std::log(sum) - x[labels[row]];
    for (int k = 0; k < 3 && gradient != nullptr; ++k) {
      const double share = std::exp(static_cast<double>(x[k])) / sum;
      gradient[row * 3 + k] =
          static_cast<float>((share - (k == labels[row] ? 1 : 0)) / static_cast<double>(count));
    }
  }
  return loss / static_cast<double>(count);
}

class HostLoss : public HostProgram {
 protected:
  const OptionList options_ = {{"optimizer", "adamw"},      {"learning-rate", "0.01"},
                               {"batch-size", "8"},         {"epochs", "4"},
                               {"validation-split", "0.2"}, {"schedule", "cosine"},
                               {"accumulation-steps", "2"}, {"seed", "5"},
                               {"metric", "accuracy"}};
  Samples samples_;
};

struct Asked {
  int with_gradients = 0;
  int without = 0;
  int fails_at = -1;

  static int Compute(void* context, const strop_tensor* outputs, size_t output_count,
                     const strop_tensor* target, double* loss, void* const* gradients) {
    auto& self = *static_cast<Asked*>(context);
    if (output_count != 1 || std::string(outputs[0].name) != "logits") return 2;
    if (target->type != STROP_INT64 || target->shape[0] != outputs[0].shape[0]) return 3;
    if (self.with_gradients + self.without == self.fails_at) return 7;
    ++(gradients == nullptr ? self.without : self.with_gradients);
    *loss = CrossEntropy(static_cast<const float*>(outputs[0].data),
                         static_cast<const int64_t*>(target->data), target->shape[0],
                         gradients == nullptr ? nullptr : static_cast<float*>(gradients[0]));
    return 0;
  }
};

TEST_F(HostLoss, ARunIsThatOfTheLossInside) {
  const Handle<strop_data> data = DataOf(samples_);
  const Handle<strop_model> inside = Load();
  const Handle<strop_model> outside = Load();
  strop_trainer* raw = nullptr;
  ASSERT_DONE(strop_trainer_create(inside.get(), data.get(), nullptr, options_.data(),
                                   options_.size(), nullptr, &raw));
  const Handle<strop_trainer> by_name(raw);
  Asked asked;
  ASSERT_DONE(strop_trainer_create_with_loss(outside.get(), data.get(), nullptr, Asked::Compute,
                                             &asked, options_.data(), options_.size(), nullptr,
                                             &raw));
  const Handle<strop_trainer> by_function(raw);
  std::vector<strop_epoch> epochs;
  const strop_callbacks callbacks = {
      &epochs, nullptr,
      [](void* context, const strop_epoch* epoch) {
        EXPECT_EQ(epoch->metric_count, 1u);
        static_cast<std::vector<strop_epoch>*>(context)->push_back(*epoch);
      },
      nullptr};
  ASSERT_DONE(strop_trainer_fit(by_name.get(), &callbacks, nullptr));
  ASSERT_DONE(strop_trainer_fit(by_function.get(), &callbacks, nullptr));
  ASSERT_EQ(epochs.size(), 8u);
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_NEAR(epochs[i + 4].training_loss, epochs[i].training_loss, 1e-6);
    EXPECT_NEAR(epochs[i + 4].validation_loss, epochs[i].validation_loss, 1e-6);
  }
  // 40 samples in batches of 8, and 10 to validate with.
  EXPECT_EQ(asked.with_gradients, 4 * 5);
  EXPECT_EQ(asked.without, 4 * 2);
  for (const char* name : {"classifier.bias"}) {
    const std::vector<float> ours = Parameter(outside.get(), name);
    const std::vector<float> theirs = Parameter(inside.get(), name);
    for (size_t i = 0; i < ours.size(); ++i) EXPECT_NEAR(ours[i], theirs[i], 1e-5) << name;
  }
}

TEST_F(HostLoss, ALossThatFailsEndsTheRun) {
  const Handle<strop_data> data = DataOf(samples_);
  const Handle<strop_model> model = Load();
  strop_trainer* raw = nullptr;
  Asked asked;
  asked.fails_at = 9;
  ASSERT_DONE(strop_trainer_create_with_loss(model.get(), data.get(), nullptr, Asked::Compute,
                                             &asked, options_.data(), options_.size(), nullptr,
                                             &raw));
  const Handle<strop_trainer> trainer(raw);
  EXPECT_FAILS(strop_trainer_fit(trainer.get(), nullptr, nullptr), STROP_BAD_DATA,
               "computing the loss failed: found 7");
  EXPECT_NE(Saved(model.get()), Contents("model.onnx"));  // the weights of the first epoch

  const strop_option loss = {"loss", "mse"};
  EXPECT_FAILS(strop_trainer_create_with_loss(model.get(), data.get(), nullptr, Asked::Compute,
                                              &asked, &loss, 1, nullptr, &raw),
               STROP_USAGE, "--loss");
  EXPECT_FAILS(strop_trainer_create_with_loss(model.get(), data.get(), nullptr, nullptr, nullptr,
                                              nullptr, 0, nullptr, &raw),
               STROP_USAGE, "compute_loss");
}

TEST_F(HostLoss, InCppItIsAFunctionThatMayThrow) {
  strop::Model model(Path("model.onnx"));
  const strop::Data data = strop::Data::Arrays(
      {{"features", samples_.features, {50, 4}}, {"target", samples_.targets, {50}}});
  bool fails = false;
  const strop::Loss loss = [&](const std::vector<strop::TensorView>& outputs,
                               const strop::TensorView& target, std::span<void* const> gradients) {
    if (fails) throw std::runtime_error("mine");
    return CrossEntropy(outputs[0].elements<float>().data(), target.elements<int64_t>().data(),
                        target.element_count(),
                        gradients.empty() ? nullptr : static_cast<float*>(gradients[0]));
  };
  const strop::Options options = {{"epochs", 3}, {"optimizer", "sgd"}, {"learning-rate", 0.1}};
  strop::Trainer trainer(model, &data, nullptr, options, {}, loss);
  std::vector<double> losses;
  trainer.Fit(
      {.on_epoch = [&](const strop::Epoch& epoch) { losses.push_back(epoch.training_loss); }});
  EXPECT_LT(losses.back(), losses.front());
  fails = true;
  strop::Trainer failing(model, &data, nullptr, options, {}, loss);
  EXPECT_THROW(failing.Fit(), std::runtime_error);
  // Files to train on, arrays to validate with.
  WriteSamples(samples_);
  strop::Options files = options;
  files.emplace_back("data", Path("features.npy") + "," + Path("targets.npy"));
  files.emplace_back("loss", "cross_entropy");
  double validation = 0;
  strop::Trainer mixed(model, nullptr, &data, files);
  mixed.Fit({.on_epoch = [&](const strop::Epoch& epoch) { validation = epoch.validation_loss; }});
  EXPECT_GT(validation, 0);
}

}  // namespace
