#include "plugin/session/model_gradient.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "plugin/data/arrays/number_conversion.h"
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

// The cotangent of every output: the given one, zeros for an output that is left out, ones where
// nothing is given.
absl::StatusOr<std::vector<Tensor>> Cotangents(const GradientRequest& request,
                                               const ModelOptions& options,
                                               const ImportedModel& model,
                                               const Differentiation& differentiation,
                                               const std::vector<Tensor>& feeds) {
  Graph forward = model.graph;
  forward.outputs = differentiation.outputs;
  forward.state_updates.clear();
  STROP_ASSIGN_OR_RETURN(
      const std::unique_ptr<Session> session,
      Session::Create(std::move(forward), std::make_shared<StateStore>(), options.plan));
  session->set_seed(options.seed);
  STROP_ASSIGN_OR_RETURN(const absl::Span<const Tensor> results, session->Run(feeds));

  const std::vector<NamedTensor> given = request.cotangents.value_or(std::vector<NamedTensor>());
  STROP_RETURN_IF_ERROR(CheckNames(given, model, differentiation, request.cotangents_origin));
  std::vector<Tensor> cotangents;
  for (size_t i = 0; i < results.size(); ++i) {
    const std::string& name = model.graph.value(differentiation.outputs[i]).name;
    const auto found = std::find_if(given.begin(), given.end(),
                                    [&](const NamedTensor& array) { return array.name == name; });
    if (!request.cotangents) {
      cotangents.push_back(Ones(results[i].type(), results[i].shape()));
    } else if (found == given.end()) {
      cotangents.emplace_back(results[i].type(), results[i].shape());
    } else {
      const std::string label =
          absl::StrCat("data: \"", request.cotangents_origin, "\", \"", name, "\"");
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

absl::StatusOr<std::vector<NamedTensor>> ComputeGradients(const ImportedModel& model,
                                                          const GradientRequest& request,
                                                          const ModelOptions& options) {
  STROP_ASSIGN_OR_RETURN(const Differentiation differentiation,
                         ChooseDifferentiation(model, request.wrt));
  STROP_ASSIGN_OR_RETURN(
      const std::unique_ptr<VectorJacobian> product,
      VectorJacobian::Create(model, differentiation, std::make_shared<StateStore>(), options.plan));
  options.listener.TellNotes(DescribeUnreached(product->unreached()));
  TellPartedCopies(model, request.wrt, options.listener);
  STROP_ASSIGN_OR_RETURN(const std::vector<Tensor> feeds,
                         FeedsByName(model.graph, request.inputs, request.inputs_origin));
  STROP_ASSIGN_OR_RETURN(const std::vector<Tensor> cotangents,
                         Cotangents(request, options, model, differentiation, feeds));
  STROP_ASSIGN_OR_RETURN(const std::vector<Tensor> gradients,
                         product->Run(feeds, cotangents, options.seed));
  std::vector<NamedTensor> named;
  for (size_t i = 0; i < gradients.size(); ++i) {
    named.push_back({model.graph.value(differentiation.wrt[i]).name, gradients[i]});
  }
  return named;
}

}  // namespace strop
