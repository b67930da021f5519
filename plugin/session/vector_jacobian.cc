#include "plugin/session/vector_jacobian.h"

#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "plugin/engine/differentiate/differentiate.h"
#include "plugin/engine/passes/passes.h"

namespace strop {
namespace {

// The first value of each name; the parameter where one has it.
std::map<std::string, ValueId> ValuesByName(const ImportedModel& model) {
  std::map<std::string, ValueId> values;
  for (const Parameter& parameter : model.parameters) values[parameter.name] = parameter.value;
  for (size_t i = 0; i < model.graph.values.size(); ++i) {
    values.try_emplace(model.graph.values[i].name, static_cast<ValueId>(i));
  }
  return values;
}

absl::StatusOr<ValueId> FindByName(const ImportedModel& model,
                                   const std::map<std::string, ValueId>& values,
                                   const std::string& name) {
  const auto place = values.find(name);
  if (place == values.end()) {
    return absl::InvalidArgumentError(absl::StrCat("differentiate: the model has no tensor \"",
                                                   name, "\"; strop inspect lists the names"));
  }
  const ValueId found = place->second;
  const Value& value = model.graph.value(found);
  if (!IsFloating(value.type.element_type) || value.kind == ValueKind::kNodeOutput) {
    return absl::InvalidArgumentError(
        absl::StrCat("differentiate: tensor \"", name, "\": found a ",
                     value.kind == ValueKind::kNodeOutput ? "computed" : "non-floating",
                     " tensor, expected a floating input, initializer or constant"));
  }
  return found;
}

// Simplifies with `wrt` as what may change: no pass may take a constant for a part of what it
// recognizes (GELU's 0.5) whose gradient is asked for.
absl::Status SimplifyAround(const std::vector<ValueId>& wrt, const PlanOptions& plan,
                            Graph& graph) {
  std::vector<ValueId> constants;
  for (const ValueId id : wrt) {
    if (graph.value(id).kind == ValueKind::kConstant) constants.push_back(id);
  }
  for (const ValueId id : constants) graph.value(id).kind = ValueKind::kState;
  STROP_RETURN_IF_ERROR(Simplify(graph, plan));
  for (const ValueId id : constants) graph.value(id).kind = ValueKind::kConstant;
  return absl::OkStatus();
}

std::string OutputsName(const Graph& graph, const std::vector<ValueId>& outputs) {
  if (outputs.size() > 1) return "an output";
  return absl::StrCat("output \"", graph.value(outputs[0]).name, "\"");
}

int IndexIn(const std::vector<ValueId>& ids, ValueId id) {
  const auto found = std::find(ids.begin(), ids.end(), id);
  return found == ids.end() ? -1 : static_cast<int>(found - ids.begin());
}

}  // namespace

absl::StatusOr<Differentiation> ChooseDifferentiation(const ImportedModel& model,
                                                      const std::vector<std::string>& names) {
  Differentiation chosen;
  const Graph& graph = model.graph;
  for (const ValueId output : graph.outputs) {
    if (IsFloating(graph.type(output).element_type)) chosen.outputs.push_back(output);
  }
  if (chosen.outputs.empty()) {
    return absl::InvalidArgumentError(
        "differentiate: the model has no floating output to differentiate");
  }
  const std::map<std::string, ValueId> values = ValuesByName(model);
  for (const std::string& name : names) {
    STROP_ASSIGN_OR_RETURN(const ValueId id, FindByName(model, values, name));
    chosen.wrt.push_back(id);
  }
  if (!names.empty()) return chosen;
  for (const ValueId input : graph.inputs) {
    if (IsFloating(graph.type(input).element_type)) chosen.wrt.push_back(input);
  }
  for (const Parameter& parameter : model.parameters) {
    if (parameter.role == Parameter::Role::kTrained) chosen.wrt.push_back(parameter.value);
  }
  return chosen;
}

absl::StatusOr<std::unique_ptr<VectorJacobian>> VectorJacobian::Create(
    const ImportedModel& model, Differentiation differentiation, std::shared_ptr<StateStore> store,
    const PlanOptions& plan) {
  std::unique_ptr<VectorJacobian> product(new VectorJacobian);
  Graph graph = model.graph;
  STROP_RETURN_IF_ERROR(SimplifyAround(differentiation.wrt, plan, graph));
  std::vector<OutputCotangent> cotangents;
  for (const ValueId output : differentiation.outputs) {
    const std::string name = absl::StrCat("cotangent of ", graph.value(output).name);
    const TensorType type = graph.type(output);
    cotangents.push_back({output, graph.AddInput(name, type)});
  }
  STROP_ASSIGN_OR_RETURN(const std::vector<ValueId> gradients,
                         Differentiate(graph, cotangents, differentiation.wrt));
  product->unreached_ = FindUnreached(graph, differentiation.outputs, differentiation.wrt,
                                      gradients, OutputsName(graph, differentiation.outputs));
  graph.outputs.clear();
  graph.state_updates.clear();
  for (size_t i = 0; i < gradients.size(); ++i) {
    const ValueId wrt = differentiation.wrt[i];
    product->types_.push_back(graph.type(wrt));
    product->input_of_.push_back(IndexIn(graph.inputs, wrt));
    product->result_of_.push_back(
        gradients[i] == kNoValue ? -1 : static_cast<int>(graph.outputs.size()));
    if (gradients[i] != kNoValue) graph.outputs.push_back(gradients[i]);
  }
  graph.RemoveDeadNodes();
  product->differentiation_ = std::move(differentiation);
  STROP_ASSIGN_OR_RETURN(product->session_,
                         Session::Create(std::move(graph), std::move(store), plan));
  return product;
}

absl::StatusOr<std::vector<Tensor>> VectorJacobian::Run(const std::vector<Tensor>& inputs,
                                                        const std::vector<Tensor>& cotangents,
                                                        uint64_t seed) {
  std::vector<Tensor> feeds = inputs;
  feeds.insert(feeds.end(), cotangents.begin(), cotangents.end());
  session_->set_seed(seed);
  session_->set_step(0);
  STROP_ASSIGN_OR_RETURN(const absl::Span<const Tensor> results, session_->Run(feeds));
  std::vector<Tensor> gradients;
  for (size_t i = 0; i < result_of_.size(); ++i) {
    if (result_of_[i] >= 0) {
      gradients.push_back(results[static_cast<size_t>(result_of_[i])].Clone());
      continue;
    }
    const Shape shape =
        input_of_[i] >= 0 ? inputs[static_cast<size_t>(input_of_[i])].shape() : *types_[i].shape;
    gradients.emplace_back(types_[i].element_type, shape);
  }
  return gradients;
}

}  // namespace strop
