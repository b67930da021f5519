#include "importer/graph_builder.h"

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "importer/node_order.h"

namespace strop {
namespace {

constexpr int64_t kOldestOpset = 7;
constexpr int64_t kNewestOpset = 28;

}  // namespace

absl::StatusOr<BuiltGraph> GraphBuilder::Build() {
  Scope scope;
  scope.graph = &built_.graph;
  STROP_ASSIGN_OR_RETURN(scope.opsets, ReadOpsets(model_.opset_import()));
  if (scope.opsets.empty()) {
    return absl::InvalidArgumentError(
        "the model imports no opset, expected one from 7 to 28; export the model again");
  }
  STROP_RETURN_IF_ERROR(IndexFunctions());
  CountReads(model_.graph());
  STROP_RETURN_IF_ERROR(AddGraph(model_.graph(), scope));
  if (!missing_.empty()) return MissingOperatorsError(missing_);
  return std::move(built_);
}

absl::StatusOr<OpsetVersions> GraphBuilder::ReadOpsets(
    const google::protobuf::RepeatedPtrField<onnx::OperatorSetIdProto>& imports) const {
  OpsetVersions opsets;
  for (const onnx::OperatorSetIdProto& import : imports) {
    const std::string domain = NormalizedDomain(import.domain());
    if (domain.empty() && (import.version() < kOldestOpset || import.version() > kNewestOpset)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "found opset ", import.version(), ", expected ", kOldestOpset, " to ", kNewestOpset,
          "; export the model with an opset in between or convert it with onnx.version_converter"));
    }
    const auto [place, is_new] = opsets.emplace(domain, import.version());
    if (!is_new && place->second != import.version()) {
      return absl::InvalidArgumentError(
          absl::StrCat("domain \"", import.domain(), "\" is imported with opset ", place->second,
                       " and with ", import.version(), "; export the model again"));
    }
  }
  return opsets;
}

absl::Status GraphBuilder::IndexFunctions() {
  for (const onnx::FunctionProto& function : model_.functions()) {
    const std::string key = FunctionKey(function.domain(), function.name(), function.overload());
    if (!functions_.emplace(key, &function).second) {
      return absl::InvalidArgumentError(absl::StrCat(
          "function \"", function.name(), "\" is defined twice; export the model again"));
    }
  }
  return absl::OkStatus();
}

absl::Status GraphBuilder::AddGraph(const onnx::GraphProto& proto, Scope& scope) {
  scope.graph->name = proto.name();
  STROP_RETURN_IF_ERROR(AddInitializers(proto, scope));
  STROP_RETURN_IF_ERROR(AddInputs(proto, scope));
  std::vector<const onnx::NodeProto*> nodes;
  for (const onnx::NodeProto& node : proto.node()) nodes.push_back(&node);
  STROP_RETURN_IF_ERROR(AddNodes(std::move(nodes), scope));
  return AddOutputs(proto, scope);
}

void GraphBuilder::CountReads(const onnx::GraphProto& proto) {
  for (const onnx::NodeProto& node : proto.node()) {
    for (const std::string& name : NamesRead(node)) ++reads_[name];
  }
  for (const onnx::ValueInfoProto& output : proto.output()) ++reads_[output.name()];
}

absl::Status GraphBuilder::AddInitializers(const onnx::GraphProto& proto, Scope& scope) {
  if (proto.sparse_initializer_size() > 0) {
    return absl::UnimplementedError(
        absl::StrCat("initializer \"", proto.sparse_initializer(0).values().name(),
                     "\" is sparse, expected a dense tensor; store it densely"));
  }
  for (const onnx::TensorProto& tensor : proto.initializer()) {
    STROP_ASSIGN_OR_RETURN(Tensor elements, ReadTensor(tensor));
    STROP_RETURN_IF_ERROR(AddConstant(
        tensor.name(), std::move(elements),
        {.type = static_cast<DataType>(tensor.data_type()), .tensor = TensorNumber(tensor)},
        scope));
  }
  return absl::OkStatus();
}

absl::Status GraphBuilder::AddInputs(const onnx::GraphProto& proto, Scope& scope) {
  absl::flat_hash_set<std::string> seen;
  for (const onnx::ValueInfoProto& info : proto.input()) {
    if (!seen.insert(info.name()).second) {
      return absl::InvalidArgumentError(absl::StrCat(
          "input \"", info.name(), "\" is listed twice; every input needs a name of its own"));
    }
    // IR version 3 lists the initializers among the inputs.
    if (const auto found = scope.names.find(info.name()); found != scope.names.end()) {
      if (info.has_type()) {
        STROP_RETURN_IF_ERROR(CheckDeclaredType(info, found->second, *scope.graph));
      }
      continue;
    }
    STROP_ASSIGN_OR_RETURN(TensorType type, DeclaredType(info));
    STROP_RETURN_IF_ERROR(
        Define(scope, info.name(), scope.graph->AddInput(info.name(), std::move(type))));
  }
  return absl::OkStatus();
}

absl::Status GraphBuilder::AddNodes(std::vector<const onnx::NodeProto*> nodes, Scope& scope) {
  STROP_ASSIGN_OR_RETURN(
      const std::vector<const onnx::NodeProto*> ordered,
      OrderNodes(std::move(nodes), [&](const std::string& name) { return scope.Knows(name); }));
  for (const onnx::NodeProto* node : ordered) STROP_RETURN_IF_ERROR(AddNode(*node, scope));
  return absl::OkStatus();
}

absl::Status GraphBuilder::AddOutputs(const onnx::GraphProto& proto, Scope& scope) {
  absl::flat_hash_set<std::string> seen;
  for (const onnx::ValueInfoProto& info : proto.output()) {
    ValueId value = scope.Lookup(info.name());
    if (value == kNoValue || !seen.insert(info.name()).second) {
      return absl::InvalidArgumentError(absl::StrCat(
          "output \"", info.name(), "\" ",
          value == kNoValue ? "is computed by no node" : "is listed twice", "; export it again"));
    }
    Graph& graph = *scope.graph;
    if (graph.value(value).name != info.name()) {  // a function that hands an argument through
      Node identity;
      identity.name = node_names_.Take("Identity_" + info.name());
      identity.op_type = "Identity";
      identity.inputs = {value};
      value = graph.AddValue(info.name(), TensorType());
      identity.outputs = {value};
      STROP_RETURN_IF_ERROR(AppendNode(graph, std::move(identity)));
    }
    if (info.has_type()) STROP_RETURN_IF_ERROR(CheckDeclaredType(info, value, graph));
    graph.outputs.push_back(value);
    if (scope.outer != nullptr || !info.has_type()) continue;
    STROP_ASSIGN_OR_RETURN(TensorType declared, DeclaredType(info));
    TensorType& type = graph.value(value).type;
    if (!type.shape) type.shape = std::move(declared.shape);
  }
  return absl::OkStatus();
}

absl::Status GraphBuilder::Define(Scope& scope, const std::string& name, ValueId value) {
  if (name.empty() || !scope.names.emplace(name, value).second) {
    return absl::InvalidArgumentError(
        absl::StrCat("the name \"", name,
                     "\" stands for two values of the graph, or is missing; every input, "
                     "initializer and node output needs a name of its own"));
  }
  return absl::OkStatus();
}

absl::StatusOr<TensorType> GraphBuilder::DeclaredType(const onnx::ValueInfoProto& info) const {
  if (!info.type().has_tensor_type()) {
    return absl::UnimplementedError(
        absl::StrCat("value \"", info.name(),
                     "\" is declared as no tensor; only tensors can be inputs and "
                     "outputs, take sequences and maps out of the model"));
  }
  const onnx::TypeProto::Tensor& declared = info.type().tensor_type();
  absl::StatusOr<DataType> element_type = ElementType(declared.elem_type());
  if (!element_type.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("value \"", info.name(), "\": ", element_type.status().message()));
  }
  TensorType type;
  type.element_type = Widened(*element_type);
  if (!declared.has_shape()) return type;
  type.shape.emplace();
  for (const auto& dimension : declared.shape().dim()) {
    const bool is_known = dimension.has_dim_value() && dimension.dim_value() >= 0;
    type.shape->push_back(is_known ? dimension.dim_value() : kUnknownDimension);
  }
  return type;
}

absl::Status GraphBuilder::CheckDeclaredType(const onnx::ValueInfoProto& info, ValueId value,
                                             const Graph& graph) const {
  STROP_ASSIGN_OR_RETURN(const TensorType declared, DeclaredType(info));
  const TensorType& found = graph.type(value);
  bool agree = found.element_type == declared.element_type;
  if (found.element_type == DataType::kUndefined) agree = true;  // behind a missing operator
  const bool has_tensor = graph.value(value).kind == ValueKind::kConstant;
  if (agree && has_tensor && declared.shape) {
    agree = found.shape->size() == declared.shape->size();
    for (size_t axis = 0; agree && axis < declared.shape->size(); ++axis) {
      const int64_t dimension = (*declared.shape)[axis];
      agree = dimension == kUnknownDimension || dimension == (*found.shape)[axis];
    }
  }
  if (agree) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("value \"", info.name(), "\": found ",
                                                 TypeName(found), ", expected ", TypeName(declared),
                                                 " as the model declares; export the model again"));
}

absl::StatusOr<Tensor> GraphBuilder::ReadTensor(const onnx::TensorProto& proto) {
  STROP_ASSIGN_OR_RETURN(Tensor tensor, tensors_.Read(proto));
  return Widened(std::move(tensor));
}

absl::StatusOr<Tensor> GraphBuilder::Widened(Tensor tensor) const {
  const DataType type = Widened(tensor.type());
  if (type == tensor.type()) return tensor;
  return ConvertTensor(tensor, type);
}

DataType GraphBuilder::Widened(DataType type) const {
  if (!IsFloating(type) || widening_ == Widening::kNone) return type;
  const bool stays_double = widening_ == Widening::kHalfToFloat && type == DataType::kDouble;
  const DataType wide =
      widening_ == Widening::kHalfToFloat && !stays_double ? DataType::kFloat : DataType::kDouble;
  is_widened_ |= wide != type;
  return wide;
}

}  // namespace strop
