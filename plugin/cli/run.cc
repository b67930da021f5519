// strop run: inference, every model input by name in, every output by name out.

#include <memory>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "plugin/cli/command.h"
#include "plugin/cli/model_options.h"
#include "plugin/cli/path_option.h"
#include "plugin/runtime/session.h"

namespace strop {
namespace {

struct RunOptions {
  ModelOptions model;
  std::string inputs;
  std::string output;
};

absl::Status Run(const RunOptions& options) {
  STROP_ASSIGN_OR_RETURN(ImportedModel imported, LoadModel(options.model));
  STROP_ASSIGN_OR_RETURN(const std::vector<NamedTensor> arrays, ReadNpz(options.inputs));
  STROP_ASSIGN_OR_RETURN(const std::vector<Tensor> feeds,
                         FeedsByName(imported.graph, arrays, options.inputs));
  STROP_ASSIGN_OR_RETURN(
      const std::unique_ptr<Session> session,
      Session::Create(std::move(imported.graph), std::make_shared<StateStore>()));
  session->set_seed(options.model.seed);
  STROP_ASSIGN_OR_RETURN(const absl::Span<const Tensor> results, session->Run(feeds));
  std::vector<NamedTensor> outputs;
  for (size_t i = 0; i < results.size(); ++i) {
    outputs.push_back({session->graph().value(session->graph().outputs[i]).name, results[i]});
  }
  return WriteNpz(options.output, outputs);
}

}  // namespace

Command AddRunCommand(CLI::App& program) {
  CLI::App* app = program.add_subcommand("run", "Inference: inputs by name in, outputs out");
  const auto options = std::make_shared<RunOptions>();
  AddModelArgument(*app, options->model);
  AddPathOption(*app, "--inputs", options->inputs, PathRole::kInputFile,
                "Arrays by input name (.npz)")
      ->required();
  AddPathOption(*app, "-o,--output", options->output, PathRole::kOutputFile,
                "Where the outputs go (.npz)")
      ->required();
  AddPrecisionOption(*app, options->model);
  AddThreadsOption(*app, options->model);
  AddSeedOption(*app, options->model);
  app->footer("Example: strop run model.onnx --inputs in.npz -o out.npz");
  return {app, [options] { return Run(*options); }};
}

}  // namespace strop
