#include "plugin/operations/gradient.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "plugin/data/arrays/number_conversion.h"
#include "plugin/operations/written_arrays.h"
#include "plugin/options/table/path_role.h"
#include "plugin/session/vector_jacobian.h"

namespace strop {
namespace {

Tensor Ones(DataType type, const Shape& shape) {
  const std::vector<double> ones(static_cast<size_t>(ElementCount(shape)), 1.0);
  return ConvertTensor(Tensor::FromVector(shape, ones), type).value_or(Tensor());
}

absl::Status CheckNames(const std::vector<NamedTensor>& given, const ImportedModel& model,
                        const Differentiation& differentiation, const std::string& origin) {
  for (const NamedTensor& array : given) {
    const bool is_output =
        std::any_of(differentiation.outputs.begin(), differentiation.outputs.end(),
                    [&](ValueId id) { return model.graph.value(id).name == array.name; });
    if (is_output) continue;
    return absl::InvalidArgumentError(absl::StrCat("data: \"", origin, "\": array \"", array.name,
                                                   "\" is no floating output of the model"));
  }
  return absl::OkStatus();
}

// The cotangent of every output: the file's, zeros for an output that it leaves out, ones without a
// file.
absl::StatusOr<std::vector<Tensor>> Cotangents(const GradientOptions& options,
                                               const ImportedModel& model,
                                               const Differentiation& differentiation,
                                               const std::vector<Tensor>& feeds) {
  Graph forward = model.graph;
  forward.outputs = differentiation.outputs;
  forward.state_updates.clear();
  STROP_ASSIGN_OR_RETURN(
      const std::unique_ptr<Session> session,
      Session::Create(std::move(forward), std::make_shared<StateStore>(), options.model.plan));
  session->set_seed(options.model.seed);
  STROP_ASSIGN_OR_RETURN(const absl::Span<const Tensor> results, session->Run(feeds));

  std::vector<NamedTensor> given;
  if (!options.output_gradients.empty()) {
    STROP_ASSIGN_OR_RETURN(given, ReadNpz(options.output_gradients));
    STROP_RETURN_IF_ERROR(CheckNames(given, model, differentiation, options.output_gradients));
  }
  std::vector<Tensor> cotangents;
  for (size_t i = 0; i < results.size(); ++i) {
    const std::string& name = model.graph.value(differentiation.outputs[i]).name;
    const auto found = std::find_if(given.begin(), given.end(),
                                    [&](const NamedTensor& array) { return array.name == name; });
    if (options.output_gradients.empty()) {
      cotangents.push_back(Ones(results[i].type(), results[i].shape()));
    } else if (found == given.end()) {
      cotangents.emplace_back(results[i].type(), results[i].shape());
    } else {
      const std::string label =
          absl::StrCat("data: \"", options.output_gradients, "\", \"", name, "\"");
      if (found->tensor.shape() != results[i].shape()) {
        return absl::InvalidArgumentError(
            absl::StrCat(label, ": found shape ", ShapeName(found->tensor.shape()), ", expected ",
                         ShapeName(results[i].shape()), " as the output"));
      }
      STROP_ASSIGN_OR_RETURN(Tensor cotangent,
                             ConvertExactly(found->tensor, results[i].type(), label));
      cotangents.push_back(std::move(cotangent));
    }
  }
  return cotangents;
}

// A parameter that an Identity makes of another has a gradient of its own.
void TellPartedCopies(const ImportedModel& model, const std::vector<std::string>& wrt,
                      const Listener& listener) {
  std::multimap<int, std::string> copies;  // by the tensor that both are stored in
  for (const Parameter& parameter : model.parameters) {
    if (parameter.origin != Parameter::Origin::kIdentity || parameter.tensor < 0) continue;
    copies.emplace(parameter.tensor, parameter.name);
  }
  const std::set<std::string> asked(wrt.begin(), wrt.end());
  for (const Parameter& source : model.parameters) {
    if (!asked.contains(source.name)) continue;
    const auto [begin, end] = copies.equal_range(source.tensor);
    for (auto copy = begin; copy != end; ++copy) {
      if (copy->second == source.name) continue;
      listener.note(absl::StrCat("the gradient of \"", source.name, "\" is without that of \"",
                                 copy->second, "\", which an Identity makes of it and which is ",
                                 "trained as a tensor of its own"));
    }
  }
}

}  // namespace

void AddGradientOptions(OptionSet& set, GradientOptions& options) {
  AddModelArgument(set, options.model);
  set.Add({{.name = "inputs",
            .target = &options.inputs,
            .path = PathRole::kInputFile,
            .is_required = true,
            .help = "Arrays by input name (.npz)"},
           {.name = "output-gradients",
            .target = &options.output_gradients,
            .path = PathRole::kInputFile,
            .help = "A cotangent by output name (.npz); without it, ones"},
           {.name = "wrt",
            .target = &options.wrt,
            .value_name = "NAME",
            .takes_words = true,
            .help = "Inputs and initializers to differentiate by; by default all floating inputs "
                    "and trained tensors"},
           RequiredOutput(options.output, "Where the gradients go (.npz)")});
  AddPrecisionOption(set, options.model);
  AddThreadsOption(set, options.model);
  AddDisablePassOption(set, options.model);
  AddSeedOption(set, options.model);
  AddSelectionOptions(set, options.model);
}

absl::StatusOr<std::vector<NamedTensor>> ComputeGradients(const GradientOptions& options) {
  STROP_ASSIGN_OR_RETURN(const ImportedModel model, LoadModel(options.model));
  STROP_ASSIGN_OR_RETURN(const Differentiation differentiation,
                         ChooseDifferentiation(model, options.wrt));
  STROP_ASSIGN_OR_RETURN(
      const std::unique_ptr<VectorJacobian> product,
      VectorJacobian::Create(model, differentiation, std::make_shared<StateStore>(),
                             options.model.plan));
  options.model.listener.TellNotes(DescribeUnreached(product->unreached()));
  TellPartedCopies(model, options.wrt, options.model.listener);
  STROP_ASSIGN_OR_RETURN(const std::vector<NamedTensor> arrays, ReadNpz(options.inputs));
  STROP_ASSIGN_OR_RETURN(const std::vector<Tensor> feeds,
                         FeedsByName(model.graph, arrays, options.inputs));
  STROP_ASSIGN_OR_RETURN(const std::vector<Tensor> cotangents,
                         Cotangents(options, model, differentiation, feeds));
  STROP_ASSIGN_OR_RETURN(const std::vector<Tensor> gradients,
                         product->Run(feeds, cotangents, options.model.seed));
  std::vector<NamedTensor> named;
  for (size_t i = 0; i < gradients.size(); ++i) {
    named.push_back({model.graph.value(differentiation.wrt[i]).name, gradients[i]});
  }
  STROP_RETURN_IF_ERROR(WriteNpz(options.output, named));
  return named;
}

Operation GradientOperation() {
  Operation operation(kGradient);
  const auto options = std::make_shared<GradientOptions>();
  AddGradientOptions(*operation.options, *options);
  operation.run =
      [options](const OperationCallbacks& callbacks) -> absl::StatusOr<nlohmann::ordered_json> {
    options->model.listener = callbacks.listener;
    STROP_ASSIGN_OR_RETURN(const std::vector<NamedTensor> gradients, ComputeGradients(*options));
    return WrittenArraysJson(options->output, gradients);
  };
  return operation;
}

}  // namespace strop
