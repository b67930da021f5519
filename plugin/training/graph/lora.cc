#include "plugin/training/graph/lora.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "graph/unique_names.h"
#include "importer/glob.h"
#include "ops/core/registry.h"
#include "ops/kernels/philox.h"
#include "plugin/training/graph/quantized_model.h"

namespace strop {
namespace {

// Separates the random numbers of adapters from those of operators, whose streams count from 1.
constexpr uint64_t kStreamOfAdapters = uint64_t{1} << 31;

absl::Status CheckOptions(const LoraOptions& options) {
  if (options.rank < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("lora: rank is ", options.rank, ", expected at least 1"));
  }
  if (!std::isfinite(options.alpha) || options.alpha == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("lora: alpha is ", options.alpha, ", expected a finite number other than 0"));
  }
  if (options.dropout >= 0 && options.dropout < 1) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("lora: dropout is ", options.dropout, ", expected a number in [0, 1)"));
}

void FreezeAllBut(const std::vector<std::string>& train, std::vector<Parameter>& parameters) {
  for (Parameter& parameter : parameters) {
    if (parameter.role != Parameter::Role::kTrained || parameter.is_new) continue;
    const bool is_kept = std::any_of(train.begin(), train.end(), [&](const std::string& pattern) {
      return MatchesGlob(pattern, parameter.name);
    });
    if (is_kept) continue;
    parameter.role = Parameter::Role::kFrozen;
    parameter.reason += ", frozen by --lora";
  }
}

// Kaiming's uniform distribution with a = √5: bound √(6/((1 + a²)·inputs)) = 1/√inputs.
absl::StatusOr<Tensor> RandomA(const Shape& shape, DataType type, uint64_t seed, uint64_t stream) {
  constexpr size_t kBlock = std::tuple_size_v<Philox::Words>;
  Tensor tensor(DataType::kDouble, shape);
  const int64_t inputs = shape[0] == 0 ? 0 : ElementCount(shape) / shape[0];
  const double bound = 1 / std::sqrt(static_cast<double>(std::max<int64_t>(inputs, 1)));
  const Philox random(seed, stream, 0);
  const absl::Span<double> elements = tensor.mutable_elements<double>();
  for (size_t i = 0; i < elements.size(); ++i) {
    const uint32_t word = random(i / kBlock)[i % kBlock];
    elements[i] = bound * (2.0 * static_cast<double>(UniformFloat(word)) - 1.0);
  }
  return ConvertTensor(tensor, type);
}

// Inserts the adapters' nodes behind the nodes of the layers.
class LoraInsertion {
 public:
  LoraInsertion(ImportedModel& model, const LoraOptions& options, uint64_t seed)
      : model_(model), graph_(model.graph), names_(model.graph), options_(options), seed_(seed) {
    const double rank = static_cast<double>(options.rank);
    scaling_ = options.alpha / (options.rank_stabilized ? std::sqrt(rank) : rank);
  }

  absl::StatusOr<std::vector<LoraAdapter>> Run(const std::vector<LoraTarget>& targets) {
    std::map<size_t, size_t> target_of;  // by node
    for (const LoraTarget& target : targets) {
      for (const size_t node : target.nodes) target_of[node] = states_.size();
      STROP_RETURN_IF_ERROR(AddStates(target));
    }
    std::vector<Node> nodes = std::move(graph_.nodes);
    graph_.nodes.clear();
    for (size_t n = 0; n < nodes.size(); ++n) {
      const auto found = target_of.find(n);
      if (found == target_of.end()) {
        graph_.nodes.push_back(std::move(nodes[n]));
      } else {
        STROP_RETURN_IF_ERROR(Adapt(std::move(nodes[n]), found->second));
      }
    }
    return std::move(adapters_);
  }

 private:
  struct States {
    ValueId a;
    ValueId b;
  };

  absl::Status AddStates(const LoraTarget& target) {
    const Parameter parameter = model_.parameters[target.parameter];
    const Value weight = graph_.value(parameter.value);
    const Shape& w = *weight.type.shape;
    const bool is_swapped = target.layer.weight == LinearLayer::Weight::kInputsByOutputs;
    Shape a(w.begin(), w.end());
    a[0] = options_.rank;
    if (is_swapped) a[1] = w[0];
    Shape b(w.size(), 1);
    b[0] = w[is_swapped ? 1 : 0];
    b[1] = options_.rank / target.layer.groups;

    LoraAdapter adapter;
    adapter.parameter = parameter.name;
    adapter.weight = weight.name;
    adapter.a = names_.Take(absl::StrCat(weight.name, "/lora_A"));
    adapter.b = names_.Take(absl::StrCat(weight.name, "/lora_B"));
    adapter.layer = target.layer;
    adapter.scaling = scaling_;
    const DataType type = weight.type.element_type;
    STROP_ASSIGN_OR_RETURN(Tensor first,
                           RandomA(a, type, seed_, kStreamOfAdapters + target.parameter));
    const States states = {graph_.AddState(adapter.a, std::move(first)),
                           graph_.AddState(adapter.b, Tensor(type, b))};
    AddParameter(states.a, absl::StrCat("LoRA's A of \"", parameter.name, "\""));
    AddParameter(states.b, absl::StrCat("LoRA's B of \"", parameter.name, "\""));
    states_.push_back(states);
    adapters_.push_back(std::move(adapter));
    return absl::OkStatus();
  }

  void AddParameter(ValueId state, std::string reason) {
    Parameter parameter;
    parameter.name = graph_.value(state).name;
    parameter.value = state;
    parameter.type = graph_.type(state).element_type;
    parameter.reason = std::move(reason);
    model_.parameters.push_back(std::move(parameter));
  }

  // The layer's node computes a value of its own; its old output becomes the sum.
  absl::Status Adapt(Node node, size_t index) {
    LoraAdapter& adapter = adapters_[index];
    const States states = states_[index];
    const ValueId sum = node.outputs[0];
    adapter.nodes.push_back(node.name);
    adapter.outputs.push_back(graph_.value(sum).name);
    const TensorType type = graph_.type(sum);
    node.outputs[0] =
        graph_.AddValue(names_.Take(absl::StrCat(graph_.value(sum).name, "/base")), type);
    const Node layer = node;
    graph_.nodes.push_back(std::move(node));

    STROP_ASSIGN_OR_RETURN(ValueId x, Dropped(layer));
    const bool is_convolution = adapter.layer.weight == LinearLayer::Weight::kFilters;
    STROP_ASSIGN_OR_RETURN(
        x, is_convolution ? Convolved(layer, x, states.a) : FirstProduct(layer, x, states.a));
    // Scaled where the value is small.
    STROP_ASSIGN_OR_RETURN(x, Scaled(layer, x, adapter.scaling * adapter.layer.gain));
    STROP_ASSIGN_OR_RETURN(x, is_convolution ? Emit(layer, "Conv", "lora_B", {x, states.b},
                                                    {{"group", adapter.layer.groups}})
                                             : Product(layer, "lora_B", x, states.b));
    Node add{layer.name + "/lora", "", "Add", {}, {layer.outputs[0], x}, {sum}};
    STROP_RETURN_IF_ERROR(InferElementTypes(graph_, add));
    graph_.nodes.push_back(std::move(add));
    return absl::OkStatus();
  }

  absl::StatusOr<ValueId> Emit(const Node& layer, const std::string& op_type,
                               const std::string& role, std::vector<ValueId> inputs,
                               Attributes attributes = {}) {
    Node node{absl::StrCat(layer.name, "/", role), "", op_type, std::move(attributes),
              std::move(inputs)};
    STROP_ASSIGN_OR_RETURN(const std::vector<ValueId> outputs,
                           AppendNode(graph_, std::move(node), 1));
    return outputs[0];
  }

  absl::StatusOr<ValueId> Dropped(const Node& layer) {
    const ValueId x = layer.inputs[0];
    if (options_.dropout == 0) return x;
    if (ratio_ == kNoValue) {
      ratio_ = graph_.AddConstant(names_.Take("lora_dropout"),
                                  Tensor::Scalar(static_cast<float>(options_.dropout)));
      is_training_ =
          graph_.AddConstant(names_.Take("lora_training_mode"), Tensor::Scalar<bool>(true));
    }
    return Emit(layer, "Dropout", "lora_dropout", {x, ratio_, is_training_},
                {{std::string(kLoraDropoutAttribute), int64_t{1}}});
  }

  // x·Aᵀ; of a Gemm with transA xᵀ·Aᵀ.
  absl::StatusOr<ValueId> FirstProduct(const Node& layer, ValueId x, ValueId a) {
    if (layer.attributes.Int("transA", 0) == 0) return Product(layer, "lora_A", x, a);
    return Emit(layer, "Gemm", "lora_A", {x, a}, {{"transA", int64_t{1}}, {"transB", int64_t{1}}});
  }

  absl::StatusOr<ValueId> Product(const Node& layer, const std::string& role, ValueId x,
                                  ValueId matrix) {
    // Pattern: beside a Gemm stands a Gemm, beside a MatMul a MatMul.
    if (layer.op_type == "Gemm") {
      return Emit(layer, "Gemm", role, {x, matrix}, {{"transB", int64_t{1}}});
    }
    STROP_ASSIGN_OR_RETURN(const ValueId transposed,
                           Emit(layer, "Transpose", role + "/transposed", {matrix},
                                {{"perm", std::vector<int64_t>{1, 0}}}));
    return Emit(layer, "MatMul", role, {x, transposed});
  }

  // A slides over x as the layer's own kernel does.
  absl::StatusOr<ValueId> Convolved(const Node& layer, ValueId x, ValueId a) {
    return Emit(layer, "Conv", "lora_A", {x, a}, layer.attributes);
  }

  absl::StatusOr<ValueId> Scaled(const Node& layer, ValueId x, double factor) {
    if (factor == 1) return x;
    STROP_ASSIGN_OR_RETURN(Tensor number,
                           ConvertTensor(Tensor::Scalar(factor), graph_.type(x).element_type));
    const ValueId constant = graph_.AddConstant(layer.name + "/lora_scaling", std::move(number));
    return Emit(layer, "Mul", "lora_scaled", {x, constant});
  }

  ImportedModel& model_;
  Graph& graph_;
  FreshValueNames names_;
  const LoraOptions& options_;
  const uint64_t seed_;
  double scaling_ = 1;
  ValueId ratio_ = kNoValue;
  ValueId is_training_ = kNoValue;
  std::vector<States> states_;  // one an adapter
  std::vector<LoraAdapter> adapters_;
};

}  // namespace

absl::StatusOr<LoraAdapters> AddLora(ImportedModel& model, const LoraOptions& options,
                                     const ParameterSelection& selection, uint64_t seed,
                                     const PlanOptions& plan) {
  STROP_RETURN_IF_ERROR(CheckOptions(options));
  absl::StatusOr<LoraTargets> found =
      FindLoraTargets(model, options.patterns, selection, options.rank);
  if (!found.ok()) return WithAdviceOnQuantized(found.status(), model.graph);
  FreezeAllBut(selection.train, model.parameters);
  LoraAdapters result;
  result.left_out = std::move(found->left_out);
  const auto insert = [&](Graph&) -> absl::Status {  // the model's
    STROP_ASSIGN_OR_RETURN(result.adapters,
                           LoraInsertion(model, options, seed).Run(found->targets));
    return absl::OkStatus();
  };
  STROP_RETURN_IF_ERROR(RunPass(kAddLora, model.graph, plan, insert));
  return result;
}

absl::StatusOr<Tensor> MergeLora(const LoraAdapter& adapter, const Tensor& weight, const Tensor& a,
                                 const Tensor& b) {
  STROP_ASSIGN_OR_RETURN(Tensor merged, ConvertTensor(weight, DataType::kDouble));
  STROP_ASSIGN_OR_RETURN(const std::vector<double> first, NumericElements(a));
  STROP_ASSIGN_OR_RETURN(const std::vector<double> second, NumericElements(b));
  const auto groups = static_cast<size_t>(adapter.layer.groups);
  const size_t rank = static_cast<size_t>(a.shape()[0]) / groups;  // of a group
  const size_t inputs = first.size() / (rank * groups);            // of a Conv with its kernel
  const auto outputs = static_cast<size_t>(b.shape()[0]);
  const bool is_swapped = adapter.layer.weight == LinearLayer::Weight::kInputsByOutputs;
  std::vector<double> row(inputs);
  if (merged.type() == weight.type()) merged = merged.Clone();
  const absl::Span<double> elements = merged.mutable_elements<double>();
  for (size_t o = 0; o < outputs; ++o) {
    std::fill(row.begin(), row.end(), 0.0);
    const size_t first_rank = o / (outputs / groups) * rank;
    for (size_t r = 0; r < rank; ++r) {
      const double factor = adapter.scaling * second[o * rank + r];
      for (size_t i = 0; i < inputs; ++i) {
        row[i] += factor * first[(first_rank + r) * inputs + i];
      }
    }
    for (size_t i = 0; i < inputs; ++i) {
      elements[is_swapped ? i * outputs + o : o * inputs + i] += row[i];
    }
  }
  return ConvertTensor(merged, weight.type());
}

}  // namespace strop
