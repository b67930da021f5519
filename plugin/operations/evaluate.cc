#include "plugin/operations/evaluate.h"

#include <cmath>
#include <memory>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "plugin/options/class_name_options.h"
#include "plugin/options/metric_options.h"
#include "plugin/session/checkpoint_model.h"

namespace strop {

void AddEvaluateOptions(OptionSet& set, EvaluateOptions& options) {
  AddModelArgument(set, options.model);
  AddCheckpointOption(set, options.checkpoint);
  AddDataOptions(set, options.data);
  AddSampleWeightOption(set, options.data);
  AddClassNamesOption(set, options.data);
  AddBatchSizeOption(set, options.data.batch_size);
  AddPaddingOptions(set, options.data);
  AddLossOptions(set, options.loss);
  set.Add({MetricOption(options.metrics),
           {.name = "confusion-matrix",
            .target = &options.confusion_matrix,
            .help = "How often which class is taken for which"}});
  AddPrecisionOption(set, options.model);
  AddThreadsOption(set, options.model);
  AddDisablePassOption(set, options.model);
}

absl::StatusOr<EvaluationOutcome> Evaluate(const EvaluateOptions& options) {
  DataArguments data_arguments = options.data;
  STROP_ASSIGN_OR_RETURN(const ImportedModel model,
                         LoadModelAt(options.model, options.checkpoint, &data_arguments));
  EvaluationOptions evaluation;
  STROP_ASSIGN_OR_RETURN(evaluation.loss, LossOptionsOf(options.loss));
  evaluation.metrics = options.metrics;
  evaluation.keeps_confusion_matrix = options.confusion_matrix;
  STROP_ASSIGN_OR_RETURN(std::unique_ptr<DataSource> data,
                         OpenFor(model, data_arguments.location, data_arguments, {}));
  EvaluationOutcome outcome;
  outcome.classes.assign(data->class_names().begin(), data->class_names().end());
  const int64_t batch_size = BatchSizeOf(options.data.batch_size, model, 32);
  evaluation.batch_size = batch_size == 0 ? data->sample_count() : batch_size;
  evaluation.padding = PaddingOptionsOf(options.data);
  STROP_ASSIGN_OR_RETURN(const std::unique_ptr<Evaluator> evaluator,
                         Evaluator::Create(model, evaluation, std::move(data),
                                           std::make_shared<StateStore>(), options.model.plan));
  const Listener& listener = options.model.listener;
  listener.TellNote(evaluator->note());
  const auto on_progress = [&](int64_t done) {
    listener.progress(kEvaluate.name, done, evaluator->sample_count());
  };
  on_progress(0);
  STROP_ASSIGN_OR_RETURN(outcome.result, evaluator->Evaluate(on_progress));
  if (!std::isnan(outcome.result.loss)) return outcome;
  STROP_ASSIGN_OR_RETURN(const std::string cause, evaluator->DescribeBadLoss());
  return absl::FailedPreconditionError(absl::StrCat(
      "evaluate: the loss is nan", cause, "; look for extreme values in weights and data"));
}

nlohmann::ordered_json ToJson(const EvaluationOutcome& outcome) {
  const EvaluationResult& result = outcome.result;
  nlohmann::ordered_json json = {{"loss", result.loss}, {"samples", result.sample_count}};
  for (const auto& [name, value] : result.metrics) json[name] = value;
  if (result.confusion_matrix.empty()) return json;
  json["confusion_matrix"] = result.confusion_matrix;
  if (!outcome.classes.empty()) json["classes"] = outcome.classes;
  return json;
}

Operation EvaluateOperation() {
  Operation operation(kEvaluate);
  const auto options = std::make_shared<EvaluateOptions>();
  AddEvaluateOptions(*operation.options, *options);
  operation.run =
      [options](const OperationCallbacks& callbacks) -> absl::StatusOr<nlohmann::ordered_json> {
    options->model.listener = options->data.listener = callbacks.listener;
    STROP_ASSIGN_OR_RETURN(const EvaluationOutcome outcome, Evaluate(*options));
    return ToJson(outcome);
  };
  return operation;
}

}  // namespace strop
