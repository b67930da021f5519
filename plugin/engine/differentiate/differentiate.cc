// Reverse-mode differentiation by the chain rule, node by node from the outputs back: the cotangent
// of a value is the sum over its readers of (cotangent of the reader's output) · (the reader's
// Jacobian), each term emitted by the reader's gradient rule. Adding the terms and undoing
// broadcasts happen here and nowhere else.

#include "plugin/engine/differentiate/differentiate.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "graph/status_macros.h"
#include "ops/core/registry.h"

namespace strop {
namespace {

std::vector<bool> Marked(const Graph& graph, absl::Span<const ValueId> ids) {
  std::vector<bool> marked(graph.values.size(), false);
  for (const ValueId id : ids) marked[static_cast<size_t>(id)] = true;
  return marked;
}

bool IsMarked(const std::vector<bool>& marked, ValueId id) {
  return id != kNoValue && marked[static_cast<size_t>(id)];
}

// Whether a gradient can flow from the node's output back through `input` at all. Unknown
// operators count: they are obstacles, not constants.
bool MayFlowThrough(const Node& node, size_t input) {
  if (node.inputs[input] == kNoValue) return false;
  const OpDefinition* op = FindOp(node.domain, node.op_type);
  return op == nullptr || op->differentiability_of(input) != Differentiability::kNotDifferentiable;
}

// Values that `wrt` influences in a differentiable way. Numbers that are not floating carry no
// gradient, but those that an obstacle makes of floating ones would have to (QuantizeLinear's):
// they count, so that what lies behind them is no silent zero.
std::vector<bool> InfluencedBy(const Graph& graph, absl::Span<const ValueId> wrt) {
  std::vector<bool> influenced = Marked(graph, wrt);
  for (const Node& node : graph.nodes) {
    bool active = false;
    bool is_obstacle = false;
    const OpDefinition* op = FindOp(node.domain, node.op_type);
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      if (!IsMarked(influenced, node.inputs[i]) || !MayFlowThrough(node, i)) continue;
      active = true;
      is_obstacle = is_obstacle || op == nullptr ||
                    op->differentiability_of(i) == Differentiability::kNotImplemented;
    }
    if (!active) continue;
    for (const ValueId output : node.outputs) {
      if (output == kNoValue) continue;
      if (is_obstacle || IsFloating(graph.type(output).element_type)) {
        influenced[static_cast<size_t>(output)] = true;
      }
    }
  }
  return influenced;
}

// Values that influence `outputs`.
std::vector<bool> Influencing(const Graph& graph, absl::Span<const ValueId> outputs) {
  std::vector<bool> influencing = Marked(graph, outputs);
  for (size_t n = graph.nodes.size(); n-- > 0;) {
    const Node& node = graph.nodes[n];
    bool read = false;
    for (const ValueId output : node.outputs) read = read || IsMarked(influencing, output);
    if (!read) continue;
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      if (node.inputs[i] != kNoValue && MayFlowThrough(node, i)) {
        influencing[static_cast<size_t>(node.inputs[i])] = true;
      }
    }
  }
  return influencing;
}

class Walker;

// The rule's view of one forward node.
class NodeGradient : public GradientContext {
 public:
  NodeGradient(Walker& walker, size_t node_index);

  const Node& node() const override { return node_; }
  ValueId input(size_t index) const override {
    return index < node_.inputs.size() ? node_.inputs[index] : kNoValue;
  }
  ValueId output(size_t index) override;
  ValueId output_gradient(size_t index) const override {
    return index < output_gradients_.size() ? output_gradients_[index] : kNoValue;
  }
  bool needs_gradient(size_t index) const override;
  void SetInputGradient(size_t index, ValueId gradient) override;
  void SetZeroGradient(size_t index) override { answered_[index] = true; }
  std::vector<ValueId> EmitIn(std::string_view domain, std::string_view op_type,
                              std::vector<ValueId> inputs, Attributes attributes,
                              size_t output_count) override;
  ValueId Scalar(double number, ValueId like) override;
  ValueId Constant(Tensor tensor) override;
  DataType element_type(ValueId value) const override;

  // After the rule has run: every input that needed a gradient got one.
  absl::Status Finish() const;

 private:
  Walker& walker_;
  const size_t node_index_;
  const Node node_;  // a copy: emitting nodes moves the graph's own
  const OpDefinition& op_;
  std::vector<ValueId> output_gradients_;
  std::vector<bool> answered_;
  absl::Status status_;
};

class Walker {
 public:
  Walker(Graph& graph, absl::Span<const ValueId> outputs, absl::Span<const ValueId> wrt)
      : graph_(graph),
        influenced_(InfluencedBy(graph, wrt)),
        influencing_(Influencing(graph, outputs)),
        terms_(graph.values.size()) {}

  absl::StatusOr<std::vector<ValueId>> Run(absl::Span<const OutputCotangent> outputs,
                                           absl::Span<const ValueId> wrt) {
    for (const OutputCotangent& output : outputs) {
      STROP_RETURN_IF_ERROR(Seed(output));
    }
    for (size_t n = graph_.nodes.size(); n-- > 0;) {
      if (IsOnTheWay(graph_.nodes[n])) STROP_RETURN_IF_ERROR(Visit(n));
    }
    std::vector<ValueId> gradients;
    for (const ValueId id : wrt) {
      STROP_ASSIGN_OR_RETURN(const ValueId gradient, TotalGradient(id));
      gradients.push_back(gradient);
    }
    return gradients;
  }

  Graph& graph() { return graph_; }

  bool IsNeeded(ValueId id) const {
    return static_cast<size_t>(id) < influenced_.size() && IsMarked(influenced_, id);
  }

  void AddTerm(ValueId value, ValueId term) { terms_[static_cast<size_t>(value)].push_back(term); }

  // The sum of all that flows back into a value; kNoValue when nothing does.
  absl::StatusOr<ValueId> TotalGradient(ValueId value) {
    if (static_cast<size_t>(value) >= terms_.size()) return kNoValue;  // an added output
    std::vector<ValueId>& terms = terms_[static_cast<size_t>(value)];
    while (terms.size() > 1) {
      const ValueId last = terms.back();
      terms.pop_back();
      Node sum{graph_.value(value).name + "/gradient", "", "Add", {}, {terms.back(), last}, {}};
      STROP_ASSIGN_OR_RETURN(const std::vector<ValueId> outputs,
                             AppendNode(graph_, std::move(sum), 1));
      terms.back() = outputs[0];
    }
    return terms.empty() ? kNoValue : terms[0];
  }

 private:
  absl::Status Seed(const OutputCotangent& output) {
    if (!IsNeeded(output.output)) return absl::OkStatus();
    ValueId cotangent = output.cotangent;
    if (cotangent == kNoValue) {
      STROP_ASSIGN_OR_RETURN(
          Tensor one, ConvertTensor(Tensor::Scalar(1.0), graph_.type(output.output).element_type));
      const ValueId scalar = graph_.AddConstant("one", std::move(one));
      Node ones{"seed", std::string(kStropDomain), "BroadcastLike",
                {},     {scalar, output.output},   {}};
      STROP_ASSIGN_OR_RETURN(const std::vector<ValueId> outputs,
                             AppendNode(graph_, std::move(ones), 1));
      cotangent = outputs[0];
    }
    AddTerm(output.output, cotangent);
    return absl::OkStatus();
  }

  bool IsOnTheWay(const Node& node) const {
    bool leads = false;
    for (const ValueId output : node.outputs) {
      leads = leads || (output != kNoValue && static_cast<size_t>(output) < influencing_.size() &&
                        IsMarked(influencing_, output) && IsNeeded(output));
    }
    return leads;
  }

  absl::Status Visit(size_t node_index) {
    bool reached = false;
    for (const ValueId output : graph_.nodes[node_index].outputs) {
      if (output == kNoValue) continue;
      STROP_ASSIGN_OR_RETURN(const ValueId total, TotalGradient(output));
      reached = reached || total != kNoValue;
    }
    if (!reached) return absl::OkStatus();
    const OpDefinition* op =
        FindOp(graph_.nodes[node_index].domain, graph_.nodes[node_index].op_type);
    NodeGradient context(*this, node_index);
    STROP_RETURN_IF_ERROR(op->gradient(context));
    return context.Finish();
  }

  Graph& graph_;
  const std::vector<bool> influenced_;
  const std::vector<bool> influencing_;
  std::vector<std::vector<ValueId>> terms_;  // by forward value
};

NodeGradient::NodeGradient(Walker& walker, size_t node_index)
    : walker_(walker),
      node_index_(node_index),
      node_(walker.graph().nodes[node_index]),
      op_(*FindOp(node_.domain, node_.op_type)),
      answered_(node_.inputs.size(), false) {
  for (const ValueId output : node_.outputs) {
    // TotalGradient has summed the terms when the node was visited: it cannot fail again.
    output_gradients_.push_back(
        output == kNoValue ? kNoValue : walker.TotalGradient(output).value_or(kNoValue));
  }
}

ValueId NodeGradient::output(size_t index) {
  Graph& graph = walker_.graph();
  Node& node = graph.nodes[node_index_];
  if (node.outputs.size() <= index) node.outputs.resize(index + 1, kNoValue);
  if (node.outputs[index] == kNoValue) {
    const ValueId added = graph.AddValue(absl::StrCat(node.name, ":", index), TensorType());
    graph.nodes[node_index_].outputs[index] = added;
    const absl::Status typed = InferElementTypes(graph, graph.nodes[node_index_]);
    if (status_.ok()) status_ = typed;
  }
  return graph.nodes[node_index_].outputs[index];
}

bool NodeGradient::needs_gradient(size_t index) const {
  return index < node_.inputs.size() && node_.inputs[index] != kNoValue &&
         walker_.IsNeeded(node_.inputs[index]) &&
         op_.differentiability_of(index) == Differentiability::kDifferentiable;
}

void NodeGradient::SetInputGradient(size_t index, ValueId gradient) {
  answered_[index] = true;
  if (!needs_gradient(index) || gradient == kNoValue) return;
  if (op_.broadcasts) gradient = EmitStrop("SumToLike", {gradient, node_.inputs[index]});
  walker_.AddTerm(node_.inputs[index], gradient);
}

std::vector<ValueId> NodeGradient::EmitIn(std::string_view domain, std::string_view op_type,
                                          std::vector<ValueId> inputs, Attributes attributes,
                                          size_t output_count) {
  Node node{node_.name + "/gradient", std::string(domain), std::string(op_type),
            std::move(attributes),    std::move(inputs),   {}};
  absl::StatusOr<std::vector<ValueId>> outputs =
      AppendNode(walker_.graph(), std::move(node), output_count);
  if (outputs.ok()) return *std::move(outputs);
  if (status_.ok()) status_ = outputs.status();
  return std::vector<ValueId>(output_count, kNoValue);
}

ValueId NodeGradient::Scalar(double number, ValueId like) {
  absl::StatusOr<Tensor> scalar = ConvertTensor(Tensor::Scalar(number), element_type(like));
  if (!scalar.ok()) {
    if (status_.ok()) status_ = scalar.status();
    return kNoValue;
  }
  return Constant(*std::move(scalar));
}

ValueId NodeGradient::Constant(Tensor tensor) {
  return walker_.graph().AddConstant(node_.name + "/constant", std::move(tensor));
}

DataType NodeGradient::element_type(ValueId value) const {
  return value == kNoValue ? DataType::kUndefined : walker_.graph().type(value).element_type;
}

absl::Status NodeGradient::Finish() const {
  if (!status_.ok()) {
    return absl::InternalError(absl::StrCat("differentiate: the gradient rule of ",
                                            NodeLabel(node_),
                                            " failed: ", std::string(status_.message())));
  }
  for (size_t i = 0; i < answered_.size(); ++i) {
    if (needs_gradient(i) && !answered_[i]) {
      return absl::InternalError(absl::StrCat("differentiate: the gradient rule of ",
                                              NodeLabel(node_), " says nothing of input ", i));
    }
  }
  return absl::OkStatus();
}

}  // namespace

std::vector<std::string> DifferentiationObstacles(const Graph& graph,
                                                  absl::Span<const ValueId> outputs,
                                                  absl::Span<const ValueId> wrt) {
  const std::vector<bool> influenced = InfluencedBy(graph, wrt);
  const std::vector<bool> influencing = Influencing(graph, outputs);
  std::vector<std::string> obstacles;
  for (const Node& node : graph.nodes) {
    bool leads = false;
    for (const ValueId output : node.outputs) {
      leads = leads || (IsMarked(influencing, output) && IsMarked(influenced, output));
    }
    if (!leads) continue;
    const OpDefinition* op = FindOp(node.domain, node.op_type);
    if (op == nullptr) {
      obstacles.push_back(NodeLabel(node) + ": the operator is not supported");
      continue;
    }
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      if (!IsMarked(influenced, node.inputs[i]) || !MayFlowThrough(node, i)) continue;
      if (op->differentiability_of(i) == Differentiability::kNotImplemented ||
          op->gradient == nullptr) {
        obstacles.push_back(
            absl::StrCat(NodeLabel(node), ": the gradient to input ", i, " is not implemented"));
      }
    }
  }
  return obstacles;
}

absl::StatusOr<std::vector<ValueId>> Differentiate(Graph& graph,
                                                   absl::Span<const OutputCotangent> outputs,
                                                   absl::Span<const ValueId> wrt) {
  std::vector<ValueId> roots;
  for (const OutputCotangent& output : outputs) roots.push_back(output.output);
  const std::vector<std::string> obstacles = DifferentiationObstacles(graph, roots, wrt);
  if (!obstacles.empty()) {
    return absl::UnimplementedError("differentiate: no gradient through " +
                                    absl::StrJoin(obstacles, "; ") +
                                    "; freeze what lies before, or train less with --train-only");
  }
  return Walker(graph, roots, wrt).Run(outputs, wrt);
}

}  // namespace strop
