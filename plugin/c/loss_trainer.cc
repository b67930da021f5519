#include <cmath>
#include <limits>
#include <memory>
#include <optional>
#include <utility>

#include "graph/status_macros.h"
#include "plugin/c/listener.h"
#include "plugin/c/model.h"
#include "plugin/c/options.h"
#include "plugin/c/status.h"
#include "plugin/c/tensors.h"
#include "plugin/session/model_loss_trainer.h"
#include "strop/strop.h"

struct strop_loss_trainer {
  std::unique_ptr<strop::ModelLossTrainer> trainer;
  std::unique_ptr<strop_tensors> outputs;  // of the last forward pass
};

using strop::Call;
using strop::CheckGiven;

extern "C" {

strop_status strop_loss_trainer_create(strop_model* model, const strop_option* options,
                                       size_t option_count, const strop_listener* listener,
                                       strop_loss_trainer** trainer) {
  return Call([&]() -> absl::Status {
    STROP_RETURN_IF_ERROR(CheckGiven({{model, "model"}, {trainer, "trainer"}}));
    STROP_ASSIGN_OR_RETURN(const auto texts, strop::TakeOptions(options, option_count));
    auto made = std::make_unique<strop_loss_trainer>();
    STROP_ASSIGN_OR_RETURN(made->trainer, strop::ModelLossTrainer::Create(
                                              *model->model, texts, strop::ListenerOf(listener)));
    *trainer = made.release();
    return absl::OkStatus();
  });
}

void strop_loss_trainer_free(strop_loss_trainer* trainer) { delete trainer; }

strop_status strop_loss_trainer_forward(strop_loss_trainer* trainer, const strop_tensor* inputs,
                                        size_t input_count, const strop_tensor** outputs,
                                        size_t* output_count) {
  return Call([&]() -> absl::Status {
    STROP_RETURN_IF_ERROR(
        CheckGiven({{trainer, "trainer"}, {outputs, "outputs"}, {output_count, "output_count"}}));
    STROP_ASSIGN_OR_RETURN(const auto taken, strop::TakeTensors(inputs, input_count, "inputs",
                                                                strop::Elements::kBorrowed));
    STROP_ASSIGN_OR_RETURN(auto results, trainer->trainer->Forward(taken));
    trainer->outputs.reset(strop::GiveTensors(std::move(results)));
    *outputs = trainer->outputs->views.data();
    *output_count = trainer->outputs->views.size();
    return absl::OkStatus();
  });
}

strop_status strop_loss_trainer_step(strop_loss_trainer* trainer, const strop_tensor* gradients,
                                     size_t gradient_count, double learning_rate,
                                     double* gradient_norm) {
  return Call([&]() -> absl::Status {
    STROP_RETURN_IF_ERROR(CheckGiven({{trainer, "trainer"}}));
    STROP_ASSIGN_OR_RETURN(
        const auto taken,
        strop::TakeTensors(gradients, gradient_count, "gradients", strop::Elements::kBorrowed));
    std::optional<double> rate;
    if (!std::isnan(learning_rate)) rate = learning_rate;
    STROP_ASSIGN_OR_RETURN(const strop::ExternalStepReport report,
                           trainer->trainer->Step(taken, rate));
    if (gradient_norm != nullptr) {
      *gradient_norm = report.gradient_norm.value_or(std::numeric_limits<double>::quiet_NaN());
    }
    return absl::OkStatus();
  });
}

strop_status strop_loss_trainer_finish(strop_loss_trainer* trainer) {
  return Call([&]() -> absl::Status {
    STROP_RETURN_IF_ERROR(CheckGiven({{trainer, "trainer"}}));
    return trainer->trainer->Finish();
  });
}

}  // extern "C"
