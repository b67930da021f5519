#include "plugin/engine/plan/specialize.h"

#include "absl/strings/str_cat.h"
#include "graph/graph_index.h"
#include "graph/status_macros.h"
#include "ops/core/registry.h"

namespace strop {
namespace {

// Larger results of constant nodes are computed at every step rather than kept.
constexpr size_t kLargestFoldedBytes = size_t{16} << 20;

class Specializer {
 public:
  explicit Specializer(Graph graph) : graph_(std::move(graph)) {}

  absl::StatusOr<Graph> Run(absl::Span<const Shape> input_shapes) {
    for (size_t i = 0; i < graph_.inputs.size(); ++i) {
      graph_.value(graph_.inputs[i]).type.shape = input_shapes[i];
    }
    DropUnreadOutputs();
    for (Node& node : graph_.nodes) {
      STROP_ASSIGN_OR_RETURN(const OpDefinition* op, DefinitionOf(node));
      forwarded_.ApplyTo(node);
      STROP_RETURN_IF_ERROR(InferShapes(*op, node));
      if (IsIdentity(*op, node)) {
        forwarded_.Set(node.outputs[0], node.inputs[0]);
      } else if (CanFold(*op, node)) {
        STROP_RETURN_IF_ERROR(Fold(*op, node));
      }
    }
    forwarded_.ApplyToResults(graph_);
    graph_.RemoveDeadNodes();
    return std::move(graph_);
  }

 private:
  void DropUnreadOutputs() {
    graph_.RemoveDeadNodes();
    const GraphIndex index(graph_);
    for (Node& node : graph_.nodes) {
      const OpDefinition* op = FindOp(node.domain, node.op_type);
      if (op == nullptr) continue;
      for (size_t i = static_cast<size_t>(op->minimum_outputs); i < node.outputs.size(); ++i) {
        ValueId& output = node.outputs[i];
        if (output != kNoValue && index.use_count(output) == 0) output = kNoValue;
      }
    }
  }

  absl::Status InferShapes(const OpDefinition& op, const Node& node) {
    std::vector<ShapeContext::Input> inputs;
    for (const ValueId id : node.inputs) {
      ShapeContext::Input input;
      if (id != kNoValue) {
        const Value& value = graph_.value(id);
        input.shape = &*value.type.shape;
        if (value.kind == ValueKind::kConstant) input.constant = &value.tensor;
      }
      inputs.push_back(input);
    }
    ShapeContext context(node, std::move(inputs));
    if (absl::Status status = op.shapes(context); !status.ok()) {
      return absl::Status(status.code(), absl::StrCat("plan: node ", NodeLabel(node), ": ",
                                                      std::string(status.message())));
    }
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      if (node.outputs[i] == kNoValue) continue;
      const Shape& shape = context.outputs()[i];
      if (absl::Status status = CheckedElementCount(shape).status(); !status.ok()) {
        return absl::Status(status.code(), absl::StrCat("plan: node ", NodeLabel(node), ": ",
                                                        std::string(status.message())));
      }
      graph_.value(node.outputs[i]).type.shape = shape;
    }
    return absl::OkStatus();
  }

  bool IsIdentity(const OpDefinition& op, const Node& node) const {
    if (!op.is_view && !op.is_identity_at_same_shape) return false;
    return graph_.type(node.inputs[0]) == graph_.type(node.outputs[0]);
  }

  bool CanFold(const OpDefinition& op, const Node& node) const {
    if (op.is_random) return false;
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      if (node.inputs[i] == kNoValue || op.use_of(i) == InputUse::kShapeOnly) continue;
      if (graph_.value(node.inputs[i]).kind != ValueKind::kConstant) return false;
    }
    size_t bytes = 0;
    for (const ValueId output : node.outputs) {
      if (output == kNoValue) continue;
      const TensorType& type = graph_.type(output);
      bytes += BytesFor(type.element_type, ElementCount(*type.shape));
    }
    return bytes <= kLargestFoldedBytes;
  }

  TensorDescription Describe(ValueId id) const {
    TensorDescription description;
    if (id == kNoValue) return description;
    const Value& value = graph_.value(id);
    description.type = value.type.element_type;
    description.shape = *value.type.shape;
    description.is_present = true;
    if (value.kind == ValueKind::kConstant) description.constant = &value.tensor;
    return description;
  }

  // Runs the node now and makes its outputs constants.
  absl::Status Fold(const OpDefinition& op, const Node& node) {
    std::vector<Tensor> results;
    std::vector<void*> outputs;
    std::vector<TensorDescription> output_descriptions;
    for (const ValueId id : node.outputs) {
      output_descriptions.push_back(Describe(id));
      results.push_back(
          id == kNoValue ? Tensor() : Tensor(graph_.type(id).element_type, *graph_.type(id).shape));
      outputs.push_back(id == kNoValue ? nullptr : results.back().mutable_data());
    }
    std::vector<const void*> inputs;
    std::vector<TensorDescription> input_descriptions;
    for (const ValueId id : node.inputs) {
      input_descriptions.push_back(Describe(id));
      const Tensor* constant = input_descriptions.back().constant;
      inputs.push_back(constant == nullptr ? nullptr : constant->data());
    }
    if (op.is_view) {
      results[0] =
          graph_.value(node.inputs[0]).tensor.WithShape(*graph_.type(node.outputs[0]).shape);
    } else {
      STROP_ASSIGN_OR_RETURN(
          std::unique_ptr<Kernel> kernel,
          op.kernels.back()(KernelRequest{node, input_descriptions, output_descriptions}));
      const Tensor workspace(DataType::kUint8, {static_cast<int64_t>(kernel->workspace_bytes)});
      STROP_RETURN_IF_ERROR(kernel->run(
          KernelArguments{inputs, outputs, const_cast<void*>(workspace.data()), StepState()}));
    }
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      if (node.outputs[i] == kNoValue) continue;
      // The node itself dies because nothing reads what it used to compute.
      const ValueId folded =
          graph_.AddConstant(graph_.value(node.outputs[i]).name, std::move(results[i]));
      forwarded_.Set(node.outputs[i], folded);
    }
    return absl::OkStatus();
  }

  Graph graph_;
  ValueReplacement forwarded_;
};

}  // namespace

absl::StatusOr<Graph> Specialize(Graph graph, absl::Span<const Shape> input_shapes) {
  return Specializer(std::move(graph)).Run(input_shapes);
}

}  // namespace strop
