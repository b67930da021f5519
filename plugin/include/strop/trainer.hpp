#ifndef STROP_TRAINER_HPP_
#define STROP_TRAINER_HPP_

#include <cstddef>
#include <functional>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "strop/data.hpp"
#include "strop/model.hpp"

namespace strop {
inline namespace interface {

using Step = strop_step;
using Epoch = strop_epoch;  // MetricsOf has its metrics
using Result = strop_result;

// They live as long as the epoch: until the callback returns.
inline std::span<const strop_metric> MetricsOf(const Epoch& epoch) {
  return {epoch.metrics, epoch.metric_count};
}

// Who hears of a run, and may end it; any may be empty. What one throws ends the run, and comes out
// of Fit.
struct Callbacks {
  std::function<void(const Step& step)> on_step = {};
  std::function<void(const Epoch& epoch)> on_epoch = {};
  std::function<bool()> should_stop = {};  // asked after every step and epoch
};

// A loss of the program's own: the mean of a batch. `outputs` are the model's floating ones, or the
// one of option train-output; `target` is as the data have it. `gradients` is empty where the loss is
// all that is asked for; else gradients[i] is for ∂loss/∂outputs[i], of its type and shape, and full
// of zeros. What it throws ends the run with the last good epoch, and comes out of the call.
using Loss = std::function<double(const std::vector<TensorView>& outputs, const TensorView& target,
                                  std::span<void* const> gradients)>;

namespace detail {

inline int ComputeLoss(void* context, const strop_tensor* outputs, size_t output_count,
                       const strop_tensor* target, double* loss, void* const* gradients) {
  Carry([&] {
    std::vector<TensorView> views;
    for (size_t i = 0; i < output_count; ++i) views.emplace_back(outputs[i]);
    const size_t gradient_count = gradients == nullptr ? 0 : output_count;
    *loss = (*static_cast<const Loss*>(context))(views, TensorView(*target),
                                                 {gradients, gradient_count});
  });
  return thrown ? 1 : 0;
}

// `callbacks` is the context, and has to stay.
inline strop_callbacks CCallbacks(const Callbacks& callbacks) {
  strop_callbacks list = {const_cast<Callbacks*>(&callbacks), nullptr, nullptr, nullptr};
  if (callbacks.on_step) {
    list.on_step = [](void* context, const strop_step* step) {
      Carry([&] { static_cast<const Callbacks*>(context)->on_step(*step); });
    };
  }
  if (callbacks.on_epoch) {
    list.on_epoch = [](void* context, const strop_epoch* epoch) {
      Carry([&] { static_cast<const Callbacks*>(context)->on_epoch(*epoch); });
    };
  }
  list.should_stop = [](void* context) -> int {
    bool stops = false;
    const auto& asked = static_cast<const Callbacks*>(context)->should_stop;
    if (asked) Carry([&] { stops = asked(); });
    return stops || thrown;
  };
  return list;
}

}  // namespace detail

// A run of `strop train`. It starts from the model's weights and has its own; the model has them
// after Fit and Finish. The options are those of the command, without the model's.
class Trainer {
 public:
  // STROP_USAGE for options that there are not, or that do not go together; STROP_BAD_DATA for data
  // that the model cannot be trained on.
  Trainer(Model& model, const Data& training, const Options& options = {}, Listener listener = {})
      : Trainer(model, &training, nullptr, options, std::move(listener)) {}
  Trainer(Model& model, const Data& training, const Data& validation, const Options& options = {},
          Listener listener = {})
      : Trainer(model, &training, &validation, options, std::move(listener)) {}
  // On files: options data and validation-data. Without: for steps only, each an epoch.
  Trainer(Model& model, const Options& options, Listener listener = {})
      : Trainer(model, nullptr, nullptr, options, std::move(listener)) {}
  // Any of these: data that are null lie where the options say, and an empty loss is theirs.
  Trainer(Model& model, const Data* training, const Data* validation, const Options& options,
          Listener listener = {}, Loss loss = {})
      : model_(model.handle()),
        training_(training == nullptr ? nullptr : training->handle()),
        validation_(validation == nullptr ? nullptr : validation->handle()),
        loss_(std::make_shared<Loss>(std::move(loss))),
        handle_(detail::MadeWith<strop_trainer>(
            std::move(listener), strop_trainer_free,
            [&](const strop_listener& heard, strop_trainer** trainer) {
              const std::vector<strop_option> list = detail::COptions(options);
              if (*loss_) {
                return strop_trainer_create_with_loss(
                    model_.get(), training_.get(), validation_.get(), detail::ComputeLoss,
                    loss_.get(), list.data(), list.size(), &heard, trainer);
              }
              return strop_trainer_create(model_.get(), training_.get(), validation_.get(),
                                          list.data(), list.size(), &heard, trainer);
            })) {}

  // The run to its end. STROP_BAD_DATA when numbers went bad: the model has the weights of the last
  // good epoch, if there was one. Once, and not after steps.
  Result Fit(const Callbacks& callbacks = {}) {
    const strop_callbacks heard = detail::CCallbacks(callbacks);
    Result result = {};
    detail::Check(strop_trainer_fit(get(), &heard, &result));
    return result;
  }

  // One step on a batch [samples, …] of the caller's: the inputs by name, and "target".
  Step TakeStep(const std::vector<TensorView>& batch) {
    const std::vector<strop_tensor> given = detail::CTensors(batch);
    Step step = {};
    detail::Check(strop_trainer_step(get(), given.data(), given.size(), &step));
    return step;
  }
  // After steps: chooses weights as the end of a run does, and gives them to the model.
  void Finish() { detail::Check(strop_trainer_finish(get())); }

  // Loss and metrics as JSON, of data or of the validation data, with the weights of the moment.
  std::string Evaluate(const Data& data) { return EvaluateWith(data.get()); }
  std::string Evaluate() { return EvaluateWith(nullptr); }

  // The model's outputs for data as training sees them: pictures scaled and resized, sequences cut.
  // Targets are passed over. With the model's weights, which are those of steps after Finish. A
  // batch size of 0 is that of the options, else 32.
  Tensors Predict(const Data& data, int64_t batch_size = 0) {
    return detail::MadeTensors([&](strop_tensors** outputs) {
      return strop_trainer_predict(get(), data.get(), batch_size, outputs);
    });
  }

  // All that a run goes on from, as the bytes of a safetensors file; and into a trainer of the same
  // model, options and data.
  Bytes State() const {
    return detail::MadeBytes(
        [&](strop_bytes** state) { return strop_trainer_state(get(), state); });
  }
  void SetState(std::span<const std::byte> state) {
    detail::Check(strop_trainer_set_state(get(), state.data(), state.size()));
  }

  strop_trainer* get() const { return handle_.get(); }

 private:
  std::string EvaluateWith(const strop_data* data) {
    return detail::MadeText(
        [&](strop_bytes** json) { return strop_trainer_evaluate(get(), data, json); });
  }

  std::shared_ptr<strop_model> model_;
  std::shared_ptr<strop_data> training_;
  std::shared_ptr<strop_data> validation_;
  std::shared_ptr<Loss> loss_;
  std::shared_ptr<strop_trainer> handle_;  // last: it uses all of the above
};

// Steps on a loss that the caller computes: outputs out, their gradients in. Options: optimizer and
// what belongs to it, clip-norm, clip-value, groups of parameters, batch-norm, dropout; losses,
// schedules and epochs are the caller's.
class LossTrainer {
 public:
  explicit LossTrainer(Model& model, const Options& options = {}, Listener listener = {})
      : model_(model.handle()),
        handle_(detail::MadeWith<strop_loss_trainer>(
            std::move(listener), strop_loss_trainer_free,
            [&](const strop_listener& heard, strop_loss_trainer** trainer) {
              const std::vector<strop_option> list = detail::COptions(options);
              return strop_loss_trainer_create(model_.get(), list.data(), list.size(), &heard,
                                               trainer);
            })) {}

  // Every input by its name; the elements have to stay until the step. Gives the model's floating
  // outputs as it trains, which live until the next call.
  std::vector<TensorView> Forward(const std::vector<TensorView>& inputs) {
    const std::vector<strop_tensor> given = detail::CTensors(inputs);
    const strop_tensor* outputs = nullptr;
    size_t count = 0;
    detail::Check(strop_loss_trainer_forward(get(), given.data(), given.size(), &outputs, &count));
    std::vector<TensorView> views;
    for (size_t i = 0; i < count; ++i) views.emplace_back(outputs[i]);
    return views;
  }
  // ∂loss/∂output by the output's name, of its type and shape; of an output that is not named,
  // zeros. NaN as learning rate: that of the options. Gives the norm of all parameters' gradients
  // before clipping; NaN where it is not measured.
  double TakeStep(const std::vector<TensorView>& gradients,
                  double learning_rate = std::numeric_limits<double>::quiet_NaN()) {
    const std::vector<strop_tensor> given = detail::CTensors(gradients);
    double gradient_norm = 0;
    detail::Check(
        strop_loss_trainer_step(get(), given.data(), given.size(), learning_rate, &gradient_norm));
    return gradient_norm;
  }
  // Gives the weights of now to the model; steps may go on.
  void Finish() { detail::Check(strop_loss_trainer_finish(get())); }

  strop_loss_trainer* get() const { return handle_.get(); }

 private:
  std::shared_ptr<strop_model> model_;
  std::shared_ptr<strop_loss_trainer> handle_;
};

}  // namespace interface
}  // namespace strop

#endif  // STROP_TRAINER_HPP_
