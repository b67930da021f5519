#include "plugin/training/graph/quantize_model.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "graph/graph_index.h"
#include "graph/status_macros.h"
#include "importer/glob.h"
#include "ops/core/registry.h"

namespace strop {
namespace {

constexpr size_t kWeight = kLinearWeight;

bool IsConvolution(const OpDefinition& op, const Node& node) {
  return op.linear_layer != nullptr &&
         op.linear_layer(node).weight == LinearLayer::Weight::kFilters;
}

// Output channels of the weight; -1 for a node that is not quantized.
int64_t OutputAxis(const OpDefinition& op, const Node& node, int64_t weight_rank) {
  if (op.linear_layer == nullptr) return -1;
  switch (op.linear_layer(node).weight) {
    case LinearLayer::Weight::kFilters:
      return weight_rank >= 3 ? 0 : -1;
    case LinearLayer::Weight::kOutputsByInputs:
      return weight_rank == 2 ? 0 : -1;
    case LinearLayer::Weight::kInputsByOutputs:
      return weight_rank == 2 ? 1 : -1;
  }
  return -1;
}

bool IsFloatingConstant(const Value& value) {
  return (value.kind == ValueKind::kState || value.kind == ValueKind::kConstant) &&
         IsFloating(value.type.element_type);
}

class Quantization {
 public:
  Quantization(ImportedModel& model, const QuantizationOptions& options)
      : graph_(model.graph), options_(options), calls_(model.calls), index_(graph_) {
    for (const Parameter& parameter : model.parameters) {
      if (parameter.tensor >= 0 && !parameter.is_in_function) stored_.insert(parameter.value);
    }
    for (const Node& node : graph_.nodes) {
      const FunctionCall* call = CallOf(node);
      if (call == nullptr) continue;
      for (const ValueId output : node.outputs) made_in_[output] = call->name;
    }
  }

  absl::StatusOr<QuantizationSites> Run() {
    STROP_RETURN_IF_ERROR(CheckPatterns());
    FindSites();
    if (weights_.empty()) {
      return absl::InvalidArgumentError(
          "quantize: the model has no Conv, Gemm or MatMul with a constant weight, outside of "
          "functions, that is not excluded, expected at least one");
    }
    std::vector<Node> nodes = std::move(graph_.nodes);
    graph_.nodes.clear();
    std::vector<Node> quantized;
    const auto take_added = [&] {
      std::move(graph_.nodes.begin(), graph_.nodes.end(), std::back_inserter(quantized));
      graph_.nodes.clear();
    };
    for (const auto& [weight, axis] : weights_) {
      STROP_RETURN_IF_ERROR(QuantizeWeight(weight, axis));
    }
    for (const ValueId input : graph_.inputs) {
      if (activations_.contains(input)) STROP_RETURN_IF_ERROR(QuantizeActivation(input));
    }
    take_added();
    for (Node& node : nodes) {
      const std::vector<ValueId> outputs = node.outputs;
      for (ValueId& input : node.inputs) {
        if (SeesQuantized(node, input)) input = quantized_.Of(input);
      }
      quantized.push_back(std::move(node));
      for (const ValueId output : outputs) {
        if (!activations_.contains(output)) continue;
        STROP_RETURN_IF_ERROR(QuantizeActivation(output));
        take_added();
      }
    }
    graph_.nodes = std::move(quantized);
    return std::move(sites_);
  }

 private:
  absl::Status CheckPatterns() const {
    for (const std::string& pattern : options_.exclude) {
      const bool is_used =
          std::any_of(graph_.nodes.begin(), graph_.nodes.end(),
                      [&](const Node& node) { return MatchesGlob(pattern, node.name); });
      if (is_used) continue;
      return absl::InvalidArgumentError(
          absl::StrCat("quantize: --quantize-exclude \"", pattern,
                       "\" matches no node of the model, expected the name of a layer as `strop "
                       "inspect` gives it"));
    }
    return absl::OkStatus();
  }

  void FindSites() {
    for (const Node& node : graph_.nodes) {
      if (node.inputs.size() <= kWeight || IsExcluded(node)) continue;
      const Value& weight = graph_.value(node.inputs[kWeight]);
      if (!IsFloatingConstant(weight)) continue;
      const OpDefinition& op = FactsOf(node);
      const int64_t axis = OutputAxis(op, node, static_cast<int64_t>(weight.type.shape->size()));
      if (axis < 0) continue;
      if (const FunctionCall* call = CallOf(node); call != nullptr) {
        ++sites_.in_functions[call->function];
        continue;
      }
      if (!stored_.contains(node.inputs[kWeight])) continue;  // export could not replace it
      weights_.emplace(node.inputs[kWeight], axis);
      if (!IsFloatingConstant(graph_.value(node.inputs[0]))) activations_.insert(node.inputs[0]);
      if (!IsConvolution(op, node)) continue;
      ValueId output = node.outputs[0];
      const Node* reader = OnlyReader(output);
      // Integer kernels make a bound of the numbers that uint8 can say part of the Conv before it.
      if (reader != nullptr && FactsOf(*reader).is_clamp && CallOf(*reader) == nullptr) {
        output = reader->outputs[0];
      }
      const bool is_read = !index_.readers(output).empty();  // not only the model's result
      if (is_read) activations_.insert(output);
    }
  }

  // The node that reads the value, if nothing else does.
  const Node* OnlyReader(ValueId value) const {
    const absl::Span<const GraphIndex::Reader> readers = index_.readers(value);
    if (readers.empty() || index_.use_count(value) != 1) return nullptr;
    return &graph_.nodes[readers[0].node];
  }

  // Null for a node of the file's main graph.
  const FunctionCall* CallOf(const Node& node) const {
    const auto found = calls_.find(node.name);
    return found == calls_.end() ? nullptr : &found->second;
  }

  // Where a function reads what it has made itself, the file rounds only what it hands out.
  bool SeesQuantized(const Node& node, ValueId value) const {
    const FunctionCall* call = CallOf(node);
    const auto maker = made_in_.find(value);
    return call == nullptr || maker == made_in_.end() || maker->second != call->name;
  }

  bool IsExcluded(const Node& node) const {
    return std::any_of(options_.exclude.begin(), options_.exclude.end(),
                       [&](const std::string& pattern) { return MatchesGlob(pattern, node.name); });
  }

  absl::StatusOr<std::vector<ValueId>> Emit(std::string_view op_type, const std::string& name,
                                            std::vector<ValueId> inputs, Attributes attributes,
                                            size_t outputs) {
    const bool is_own = op_type != "ReduceMin" && op_type != "ReduceMax";
    return AppendNode(
        graph_,
        {absl::StrCat(name, "/", std::string(op_type)), is_own ? std::string(kStropDomain) : "",
         std::string(op_type), std::move(attributes), std::move(inputs)},
        outputs);
  }

  absl::Status FakeQuantize(ValueId value, ValueId minimum, ValueId maximum, int64_t quant_min,
                            int64_t quant_max, std::optional<int64_t> axis) {
    const std::string name = graph_.value(value).name;
    Attributes attributes = {{"quant_min", quant_min}, {"quant_max", quant_max}};
    Attributes of_parameters = attributes;
    of_parameters.Set("symmetric", int64_t{axis.has_value()});
    STROP_ASSIGN_OR_RETURN(
        const std::vector<ValueId> parameters,
        Emit("QuantizationParameters", name, {minimum, maximum}, std::move(of_parameters), 2));
    if (axis) attributes.Set("axis", *axis);
    STROP_ASSIGN_OR_RETURN(const std::vector<ValueId> quantized,
                           Emit("FakeQuantize", name, {value, parameters[0], parameters[1]},
                                std::move(attributes), 1));
    graph_.value(quantized[0]).type.shape = graph_.type(value).shape;
    quantized_.Set(value, quantized[0]);
    return absl::OkStatus();
  }

  absl::Status QuantizeWeight(ValueId weight, int64_t axis) {
    const std::string name = graph_.value(weight).name;
    std::vector<int64_t> others;
    for (size_t i = 0; i < graph_.type(weight).shape->size(); ++i) {
      if (static_cast<int64_t>(i) != axis) others.push_back(static_cast<int64_t>(i));
    }
    const ValueId axes = graph_.AddConstant(
        name + "/axes", Tensor::FromVector<int64_t>({static_cast<int64_t>(others.size())}, others));
    const Attributes flat = {{"keepdims", int64_t{0}}};
    STROP_ASSIGN_OR_RETURN(const std::vector<ValueId> minimum,
                           Emit("ReduceMin", name, {weight, axes}, flat, 1));
    STROP_ASSIGN_OR_RETURN(const std::vector<ValueId> maximum,
                           Emit("ReduceMax", name, {weight, axes}, flat, 1));
    sites_.weights.push_back({name, axis});
    return FakeQuantize(weight, minimum[0], maximum[0], -127, 127, axis);
  }

  absl::Status QuantizeActivation(ValueId value) {
    const std::string name = graph_.value(value).name;
    constexpr double kNothingSeen = std::numeric_limits<double>::infinity();
    const DataType type =
        graph_.type(value).element_type == DataType::kDouble ? DataType::kDouble : DataType::kFloat;
    std::vector<ValueId> inputs = {value};
    for (const auto& [bound, first] :
         {std::pair("minimum", kNothingSeen), std::pair("maximum", -kNothingSeen)}) {
      STROP_ASSIGN_OR_RETURN(Tensor number, ConvertTensor(Tensor::Scalar(first), type));
      inputs.push_back(graph_.AddState(absl::StrCat(name, "/", bound), std::move(number)));
    }
    STROP_ASSIGN_OR_RETURN(const std::vector<ValueId> range,
                           Emit("MovingAverageRange", name, inputs,
                                {{"averaging_constant", options_.averaging_constant}}, 2));
    sites_.activations.push_back(name);
    return FakeQuantize(value, range[0], range[1], 0, 255, std::nullopt);
  }

  Graph& graph_;
  const QuantizationOptions& options_;
  const std::map<std::string, FunctionCall>& calls_;
  const GraphIndex index_;                  // of the graph as it was
  std::set<ValueId> stored_;                // floating constants of the file's main graph
  std::map<ValueId, std::string> made_in_;  // the calls that values come from
  std::map<ValueId, int64_t> weights_;      // and their output axes
  std::set<ValueId> activations_;
  ValueReplacement quantized_;
  QuantizationSites sites_;
};

}  // namespace

absl::StatusOr<QuantizationSites> QuantizeModel(ImportedModel& model,
                                                const QuantizationOptions& options,
                                                const PlanOptions& plan) {
  QuantizationSites sites;
  const auto quantize = [&](Graph&) -> absl::Status {  // the model's
    STROP_ASSIGN_OR_RETURN(sites, Quantization(model, options).Run());
    return absl::OkStatus();
  };
  STROP_RETURN_IF_ERROR(RunPass(kQuantize, model.graph, plan, quantize));
  return sites;
}

void SetQuantizationMode(Graph& graph, bool is_training) {
  for (Node& node : graph.nodes) {
    if (node.domain != kStropDomain || node.op_type != "MovingAverageRange") continue;
    node.attributes.Set("training_mode", int64_t{is_training});
    if (!is_training) continue;
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      graph.state_updates.push_back({node.inputs[1 + i], node.outputs[i]});
    }
  }
}

}  // namespace strop
