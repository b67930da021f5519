#include "plugin/operations/run.h"

#include <cstring>
#include <memory>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "plugin/engine/runtime/session.h"
#include "plugin/operations/written_arrays.h"
#include "plugin/options/outcome.h"
#include "plugin/options/table/path_role.h"
#include "plugin/session/checkpoint_model.h"
#include "plugin/training/metrics/forward_pass.h"
#include "plugin/training/metrics/gathered_outputs.h"

namespace strop {
namespace {

absl::StatusOr<std::vector<NamedTensor>> RunInputs(const RunOptions& options, Graph graph) {
  STROP_ASSIGN_OR_RETURN(const std::vector<NamedTensor> arrays, ReadNpz(options.inputs));
  STROP_ASSIGN_OR_RETURN(const std::vector<Tensor> feeds,
                         FeedsByName(graph, arrays, options.inputs));
  STROP_ASSIGN_OR_RETURN(
      const std::unique_ptr<Session> session,
      Session::Create(std::move(graph), std::make_shared<StateStore>(), options.model.plan));
  session->set_seed(options.model.seed);
  STROP_ASSIGN_OR_RETURN(const absl::Span<const Tensor> results, session->Run(feeds));
  std::vector<NamedTensor> outputs;
  for (size_t i = 0; i < results.size(); ++i) {
    outputs.push_back(
        {session->graph().value(session->graph().outputs[i]).name, results[i].Clone()});
  }
  return outputs;
}

absl::StatusOr<std::vector<NamedTensor>> RunData(const RunOptions& options,
                                                 const ImportedModel& model) {
  STROP_ASSIGN_OR_RETURN(std::unique_ptr<DataSource> data, OpenSamplesFor(model, options.data));
  STROP_ASSIGN_OR_RETURN(
      const std::unique_ptr<ForwardPass> pass,
      ForwardPass::Create(model.graph, InputsOf(model.graph), std::move(data),
                          BatchSizeOf(options.data.batch_size, model, 32),
                          PaddingOptionsOf(options.data), options.model.plan, options.model.seed));
  const Listener& listener = options.model.listener;
  const int64_t samples = pass->data().sample_count();
  listener.progress(kRun.name, 0, samples);
  return GatherOutputs(*pass, [&](int64_t done) { listener.progress(kRun.name, done, samples); });
}

}  // namespace

void AddRunModelOptions(OptionSet& set, RunOptions& options) {
  AddModelArgument(set, options.model);
  AddCheckpointOption(set, options.checkpoint);
  set.Add({{.name = "inputs",
            .target = &options.inputs,
            .path = PathRole::kInputFile,
            .help = "Arrays by input name (.npz), all in one run of the model"}});
  AddDataOptions(set, options.data);
  AddBatchSizeOption(set, options.data.batch_size);
  AddPaddingOptions(set, options.data);
  for (Option& option : set.options()) {
    if (option.group == kDataGroup && option.name != "data") option.needs.emplace_back("data");
  }
  Option& data = set.at("data");
  data.is_required = false;
  data.help = "Instead: samples as evaluate takes them, in batches; labels are passed over";
  set.Add({RequiredOutput(options.output, "Where the outputs go (.npz)")});
  AddPrecisionOption(set, options.model);
  AddThreadsOption(set, options.model);
  AddDisablePassOption(set, options.model);
  AddSeedOption(set, options.model);
}

absl::StatusOr<std::vector<NamedTensor>> RunModel(const RunOptions& options) {
  if (options.inputs.empty() == options.data.location.empty()) {
    return UsageError("give one of --inputs, arrays by input name, and --data, samples");
  }
  STROP_ASSIGN_OR_RETURN(ImportedModel model,
                         LoadModelAt(options.model, options.checkpoint, nullptr));
  std::vector<NamedTensor> outputs;
  if (options.inputs.empty()) {
    STROP_ASSIGN_OR_RETURN(outputs, RunData(options, model));
  } else {
    STROP_ASSIGN_OR_RETURN(outputs, RunInputs(options, std::move(model.graph)));
  }
  STROP_RETURN_IF_ERROR(WriteNpz(options.output, outputs));
  return outputs;
}

Operation RunOperation() {
  Operation operation(kRun);
  const auto options = std::make_shared<RunOptions>();
  AddRunModelOptions(*operation.options, *options);
  operation.run =
      [options](const OperationCallbacks& callbacks) -> absl::StatusOr<nlohmann::ordered_json> {
    options->model.listener = options->data.listener = callbacks.listener;
    STROP_ASSIGN_OR_RETURN(const std::vector<NamedTensor> outputs, RunModel(*options));
    return WrittenArraysJson(options->output, outputs);
  };
  return operation;
}

}  // namespace strop
