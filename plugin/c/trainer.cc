#include <cmath>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "plugin/c/data.h"
#include "plugin/c/listener.h"
#include "plugin/c/model.h"
#include "plugin/c/options.h"
#include "plugin/c/status.h"
#include "plugin/c/tensors.h"
#include "plugin/options/outcome.h"
#include "plugin/session/model_trainer.h"
#include "strop/strop.h"

struct strop_trainer {
  std::unique_ptr<strop::ModelTrainer> trainer;
};

namespace strop {
namespace {

strop_tensor ViewOf(const char* name, const Tensor& tensor) {
  return {name, static_cast<strop_type>(tensor.type()), tensor.shape().size(),
          tensor.shape().data(), tensor.data()};
}

// The loss that the caller's function computes.
std::shared_ptr<const HostLoss> LossBy(strop_compute_loss compute_loss, void* context) {
  return HostLoss::Create([=](const HostLoss::Batch& batch) -> absl::StatusOr<double> {
    std::vector<strop_tensor> outputs;
    for (size_t i = 0; i < batch.outputs.size(); ++i) {
      outputs.push_back(ViewOf(batch.names[i].c_str(), batch.outputs[i]));
    }
    const strop_tensor target = ViewOf("target", batch.target);
    std::vector<void*> gradients;
    for (Tensor& gradient : batch.gradients) gradients.push_back(gradient.mutable_data());
    double loss = 0;
    const int outcome = compute_loss(context, outputs.data(), outputs.size(), &target, &loss,
                                     gradients.empty() ? nullptr : gradients.data());
    if (outcome == 0) return loss;
    return absl::FailedPreconditionError(absl::StrCat(
        "train: computing the loss failed: found ", outcome, ", expected 0; see who computes it"));
  });
}

double OrNan(const std::optional<double>& number) {
  return number.value_or(std::numeric_limits<double>::quiet_NaN());
}

strop_step StepOf(const StepReport& report) {
  return {.step = report.step,
          .epoch = report.epoch,
          .step_of_epoch = report.step_of_epoch,
          .steps_per_epoch = report.steps_per_epoch,
          .sample_count = report.sample_count,
          .loss = report.loss,
          .learning_rate = report.learning_rate,
          .gradient_norm = OrNan(report.gradient_norm)};
}

void TellEpoch(const strop_callbacks& callbacks, const EpochReport& report) {
  std::vector<strop_metric> metrics;
  for (const auto& [name, value] : report.metrics) metrics.push_back({name.c_str(), value});
  const strop_epoch epoch = {.epoch = report.epoch,
                             .step = report.step,
                             .training_loss = report.train_loss,
                             .validation_loss = OrNan(report.validation_loss),
                             .metrics = metrics.data(),
                             .metric_count = metrics.size(),
                             .learning_rate = report.learning_rate,
                             .seconds = report.seconds,
                             .is_best = report.is_best};
  callbacks.on_epoch(callbacks.context, &epoch);
}

SessionCallbacks CallbacksOf(const strop_callbacks* given) {
  SessionCallbacks callbacks;
  if (given == nullptr) return callbacks;
  const strop_callbacks followed = *given;
  if (followed.on_step != nullptr) {
    callbacks.run.on_step = [followed](const StepReport& report) {
      const strop_step step = StepOf(report);
      followed.on_step(followed.context, &step);
    };
  }
  if (followed.on_epoch != nullptr) {
    callbacks.run.on_epoch = [followed](const EpochReport& report) { TellEpoch(followed, report); };
  }
  if (followed.should_stop != nullptr) {
    callbacks.run.should_stop = [followed] { return followed.should_stop(followed.context) != 0; };
  }
  return callbacks;
}

strop_result ResultOf(const TrainingResult& result) {
  return {.steps = result.steps,
          .epochs = result.epochs,
          .weights_epoch = result.weights_epoch.value_or(0),
          .best_epoch = result.best_epoch.value_or(0),
          .stopped_early = result.stopped_early,
          .was_stopped = result.was_stopped};
}

TrainerData DataOf(const strop_data* training, const strop_data* validation) {
  TrainerData data;
  if (training != nullptr) data.training = training->given;
  if (validation != nullptr) data.validation = validation->given;
  return data;
}

absl::Status MakeTrainer(strop_model& model, TrainerData data, std::shared_ptr<const HostLoss> loss,
                         const strop_option* options, size_t option_count,
                         const strop_listener* listener, strop_trainer** trainer) {
  STROP_ASSIGN_OR_RETURN(const auto texts, TakeOptions(options, option_count));
  auto made = std::make_unique<strop_trainer>();
  STROP_ASSIGN_OR_RETURN(made->trainer,
                         ModelTrainer::Create(*model.model, std::move(data), texts,
                                              ListenerOf(listener), std::move(loss)));
  *trainer = made.release();
  return absl::OkStatus();
}

nlohmann::ordered_json JsonOf(const EvaluationResult& result) {
  nlohmann::ordered_json json = {{"loss", result.loss}, {"samples", result.sample_count}};
  for (const auto& [name, value] : result.metrics) json[name] = value;
  return json;
}

}  // namespace
}  // namespace strop

using strop::Call;
using strop::CheckGiven;

extern "C" {

strop_status strop_trainer_create(strop_model* model, const strop_data* training,
                                  const strop_data* validation, const strop_option* options,
                                  size_t option_count, const strop_listener* listener,
                                  strop_trainer** trainer) {
  return Call([&]() -> absl::Status {
    STROP_RETURN_IF_ERROR(CheckGiven({{model, "model"}, {trainer, "trainer"}}));
    return strop::MakeTrainer(*model, strop::DataOf(training, validation), nullptr, options,
                              option_count, listener, trainer);
  });
}

strop_status strop_trainer_create_with_loss(strop_model* model, const strop_data* training,
                                            const strop_data* validation,
                                            strop_compute_loss compute_loss, void* context,
                                            const strop_option* options, size_t option_count,
                                            const strop_listener* listener,
                                            strop_trainer** trainer) {
  return Call([&]() -> absl::Status {
    STROP_RETURN_IF_ERROR(CheckGiven({{model, "model"},
                                      {reinterpret_cast<const void*>(compute_loss), "compute_loss"},
                                      {trainer, "trainer"}}));
    return strop::MakeTrainer(*model, strop::DataOf(training, validation),
                              strop::LossBy(compute_loss, context), options, option_count, listener,
                              trainer);
  });
}

void strop_trainer_free(strop_trainer* trainer) { delete trainer; }

strop_status strop_trainer_fit(strop_trainer* trainer, const strop_callbacks* callbacks,
                               strop_result* result) {
  return Call([&]() -> absl::Status {
    STROP_RETURN_IF_ERROR(CheckGiven({{trainer, "trainer"}}));
    STROP_ASSIGN_OR_RETURN(const strop::SessionResult ended,
                           trainer->trainer->Fit(strop::CallbacksOf(callbacks)));
    if (result != nullptr) *result = strop::ResultOf(ended.training);
    return absl::OkStatus();
  });
}

strop_status strop_trainer_step(strop_trainer* trainer, const strop_tensor* batch,
                                size_t tensor_count, strop_step* step) {
  return Call([&]() -> absl::Status {
    STROP_RETURN_IF_ERROR(CheckGiven({{trainer, "trainer"}}));
    strop::GivenData given;
    given.origin = "batch";
    // Copied: the first batch may become the trainer's data.
    STROP_ASSIGN_OR_RETURN(
        given.arrays, strop::TakeTensors(batch, tensor_count, "batch", strop::Elements::kCopied));
    STROP_ASSIGN_OR_RETURN(const strop::StepReport report, trainer->trainer->Step(given));
    if (step != nullptr) *step = strop::StepOf(report);
    return absl::OkStatus();
  });
}

strop_status strop_trainer_finish(strop_trainer* trainer) {
  return Call([&]() -> absl::Status {
    STROP_RETURN_IF_ERROR(CheckGiven({{trainer, "trainer"}}));
    return trainer->trainer->Finish().status();
  });
}

strop_status strop_trainer_evaluate(strop_trainer* trainer, const strop_data* data,
                                    strop_bytes** json) {
  return Call([&]() -> absl::Status {
    STROP_RETURN_IF_ERROR(CheckGiven({{trainer, "trainer"}, {json, "json"}}));
    STROP_ASSIGN_OR_RETURN(const strop::EvaluationResult result,
                           trainer->trainer->Evaluate(data == nullptr ? nullptr : &data->given));
    *json = strop::GiveJson(strop::JsonOf(result));
    return absl::OkStatus();
  });
}

strop_status strop_trainer_predict(strop_trainer* trainer, const strop_data* data,
                                   int64_t batch_size, strop_tensors** outputs) {
  return Call([&]() -> absl::Status {
    STROP_RETURN_IF_ERROR(CheckGiven({{trainer, "trainer"}, {data, "data"}, {outputs, "outputs"}}));
    if (batch_size < 0) {
      return strop::UsageError(
          absl::StrCat("call: found ", batch_size, " as \"batch_size\", expected 1 or more, or 0"));
    }
    STROP_ASSIGN_OR_RETURN(std::vector<strop::NamedTensor> found,
                           trainer->trainer->Predict(data->given, batch_size));
    *outputs = strop::GiveTensors(std::move(found));
    return absl::OkStatus();
  });
}

strop_status strop_trainer_state(const strop_trainer* trainer, strop_bytes** state) {
  return Call([&]() -> absl::Status {
    STROP_RETURN_IF_ERROR(CheckGiven({{trainer, "trainer"}, {state, "state"}}));
    STROP_ASSIGN_OR_RETURN(std::string bytes, trainer->trainer->State());
    *state = strop::GiveBytes(std::move(bytes));
    return absl::OkStatus();
  });
}

strop_status strop_trainer_set_state(strop_trainer* trainer, const void* state, size_t size) {
  return Call([&]() -> absl::Status {
    STROP_RETURN_IF_ERROR(CheckGiven({{trainer, "trainer"}, {state, "state"}}));
    return trainer->trainer->SetState({static_cast<const char*>(state), size});
  });
}

}  // extern "C"
