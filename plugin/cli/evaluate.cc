// strop evaluate: loss and metrics of a model on data.

#include "plugin/training/metrics/evaluate.h"

#include <cmath>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "plugin/cli/command.h"
#include "plugin/cli/terminal/progress_bar.h"
#include "plugin/cli/terminal/terminal_listener.h"
#include "plugin/options/class_name_options.h"
#include "plugin/options/data_options.h"
#include "plugin/options/loss_options.h"
#include "plugin/options/metric_options.h"
#include "plugin/options/model_options.h"
#include "plugin/options/outcome.h"
#include "plugin/session/checkpoint_model.h"

namespace strop {
namespace {

struct EvaluateOptions {
  ModelOptions model;
  DataArguments data;
  LossArguments loss;
  std::vector<std::string> metrics;
  bool confusion_matrix = false;
  std::string checkpoint;
  bool as_json = false;
};

absl::Status RunEvaluate(const EvaluateOptions& options) {
  DataArguments data_arguments = options.data;
  STROP_ASSIGN_OR_RETURN(const ImportedModel model,
                         LoadModelAt(options.model, options.checkpoint, &data_arguments));
  EvaluationOptions evaluation;
  STROP_ASSIGN_OR_RETURN(evaluation.loss, LossOptionsOf(options.loss));
  evaluation.metrics = options.metrics;
  evaluation.keeps_confusion_matrix = options.confusion_matrix;
  STROP_ASSIGN_OR_RETURN(std::unique_ptr<DataSource> data,
                         OpenFor(model, data_arguments.location, data_arguments, {}));
  const std::vector<std::string> classes(data->class_names().begin(), data->class_names().end());
  const int64_t batch_size = BatchSizeOf(options.data.batch_size, model, 32);
  evaluation.batch_size = batch_size == 0 ? data->sample_count() : batch_size;
  STROP_ASSIGN_OR_RETURN(const std::unique_ptr<Evaluator> evaluator,
                         Evaluator::Create(model, evaluation, std::move(data),
                                           std::make_shared<StateStore>(), options.model.plan));
  options.model.listener.TellNote(evaluator->note());
  EvaluationResult result;
  {
    ProgressBar bar("evaluate", evaluator->sample_count());
    STROP_ASSIGN_OR_RETURN(result, evaluator->Evaluate([&bar](int64_t done) { bar.Update(done); }));
  }
  if (std::isnan(result.loss)) {
    STROP_ASSIGN_OR_RETURN(const std::string cause, evaluator->DescribeBadLoss());
    return absl::FailedPreconditionError(absl::StrCat(
        "evaluate: the loss is nan", cause, "; look for extreme values in weights and data"));
  }
  if (options.as_json) {
    nlohmann::ordered_json line = {{"loss", result.loss}, {"samples", result.sample_count}};
    for (const auto& [name, value] : result.metrics) line[name] = value;
    if (options.confusion_matrix) line["confusion_matrix"] = result.confusion_matrix;
    if (options.confusion_matrix && !classes.empty()) line["classes"] = classes;
    std::printf("%s\n", line.dump().c_str());
    return absl::OkStatus();
  }
  std::printf("loss %.9g\n", result.loss);
  for (const auto& [name, value] : result.metrics) {
    std::printf("%s %.6g\n", name.c_str(), value);
  }
  std::printf("samples %lld\n", static_cast<long long>(result.sample_count));
  if (options.confusion_matrix) {
    std::printf("%s", ConfusionMatrixTable(result.confusion_matrix, classes).c_str());
  }
  return absl::OkStatus();
}

}  // namespace

Command EvaluateCommand() {
  const auto options = std::make_shared<EvaluateOptions>();
  options->model.listener = options->data.listener = TerminalListener();
  options->model.keeps_half_types = true;
  Command command{.name = "evaluate",
                  .help = "Loss and metrics of a model on data",
                  .footer =
                      "Example: strop evaluate model.onnx --data test.npz --loss "
                      "cross_entropy --metric accuracy",
                  .run = [options] { return RunEvaluate(*options); }};
  OptionSet& set = *command.options;
  AddModelArgument(set, options->model);
  AddCheckpointOption(set, options->checkpoint);
  AddDataOptions(set, options->data);
  AddClassNamesOption(set, options->data);
  AddBatchSizeOption(set, options->data.batch_size);
  AddLossOptions(set, options->loss);
  set.Add({MetricOption(options->metrics),
           {.name = "confusion-matrix",
            .target = &options->confusion_matrix,
            .help = "How often which class is taken for which"},
           {.name = "json", .target = &options->as_json, .help = "As a JSON line"}});
  AddPrecisionOption(set, options->model);
  AddThreadsOption(set, options->model);
  AddDisablePassOption(set, options->model);
  return command;
}

}  // namespace strop
