#pragma once

#include <onnx/onnx_pb.h>

#include <map>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "graph/graph.h"
#include "graph/unique_names.h"
#include "importer/importer.h"
#include "importer/missing_operators.h"
#include "importer/scope.h"
#include "importer/tensor_conversion.h"

namespace strop {

// A constant of the main graph that the file spells out.
struct ImportedConstant {
  ValueId value = kNoValue;
  DataType type = DataType::kUndefined;  // in the file
  // Number of its TensorProto in the layout; -1 when the elements lie in no TensorProto.
  int tensor = -1;
  Parameter::Origin origin = Parameter::Origin::kInitializer;
  bool is_in_function = false;
};

struct BuiltGraph {
  Graph graph;
  std::map<std::string, FunctionCall> calls;  // see ImportedModel
  std::vector<ImportedConstant> constants;    // in the order of their values
};

// Makes the Graph of a parsed model: constants, nodes in order, functions inlined, subgraphs as
// attributes, every node in the newest opset's words. One builder serves one model.
//
// A subgraph takes what it reads from outside as further inputs behind its own; the node passes
// them behind its own inputs, and its attribute "captured_inputs" counts them. All subgraphs of a
// node take the same ones.
class GraphBuilder {
 public:
  // All three must outlive the builder.
  GraphBuilder(const onnx::ModelProto& model, TensorReader& tensors, Widening widening)
      : model_(model), tensors_(tensors), widening_(widening) {}

  absl::StatusOr<BuiltGraph> Build();
  // Whether anything that was built has a wider type than the model says.
  bool is_widened() const { return is_widened_; }

 private:
  struct Call {
    std::string key;    // domain, name, overload
    std::string label;  // of the calling node
    FunctionCall call;
  };

  // graph_builder.cc: models, graphs, constants.
  absl::StatusOr<OpsetVersions> ReadOpsets(
      const google::protobuf::RepeatedPtrField<onnx::OperatorSetIdProto>& imports) const;
  absl::Status IndexFunctions();
  absl::Status AddGraph(const onnx::GraphProto& proto, Scope& scope);
  absl::Status AddInitializers(const onnx::GraphProto& proto, Scope& scope);
  absl::Status AddInputs(const onnx::GraphProto& proto, Scope& scope);
  absl::Status AddOutputs(const onnx::GraphProto& proto, Scope& scope);
  void CountReads(const onnx::GraphProto& proto);
  absl::Status AddNodes(std::vector<const onnx::NodeProto*> nodes, Scope& scope);
  absl::Status Define(Scope& scope, const std::string& name, ValueId value);
  absl::StatusOr<TensorType> DeclaredType(const onnx::ValueInfoProto& info) const;
  absl::Status CheckDeclaredType(const onnx::ValueInfoProto& info, ValueId value,
                                 const Graph& graph) const;
  absl::StatusOr<Tensor> ReadTensor(const onnx::TensorProto& proto);
  absl::StatusOr<Tensor> Widened(Tensor tensor) const;
  DataType Widened(DataType type) const;

  // node_builder.cc: one node.
  absl::Status AddNode(const onnx::NodeProto& proto, Scope& scope);
  absl::Status AddOperator(const onnx::NodeProto& proto, Scope& scope, int64_t opset);
  absl::Status AddConstantNode(const onnx::NodeProto& proto, Scope& scope);
  // `constant` says where the elements come from; the rest of it is filled in.
  absl::Status AddConstant(const std::string& name, Tensor elements, ImportedConstant constant,
                           Scope& scope);
  absl::Status AddIdentityOfConstant(const onnx::NodeProto& proto, ValueId source, Scope& scope);
  ImportedConstant ConstantOf(ValueId value) const;
  bool PartsFromSource(const onnx::NodeProto& identity, const Scope& scope) const;
  absl::Status AppendNode(Graph& graph, Node node);
  absl::StatusOr<Attributes> ReadAttributes(const onnx::NodeProto& proto, Scope& scope);
  absl::StatusOr<Attribute> ReadAttribute(const onnx::AttributeProto& proto);
  absl::Status AddSubgraphs(const onnx::NodeProto& proto, Scope& scope, Node& node);
  void WidenTypeAttributes(Node& node) const;

  // function_inlining.cc: calls.
  const onnx::FunctionProto* FindFunction(const onnx::NodeProto& call) const;
  absl::StatusOr<bool> InlineSchemaFunction(const onnx::NodeProto& call, Scope& scope,
                                            int64_t opset);
  absl::Status InlineFunction(const onnx::NodeProto& call, const onnx::FunctionProto& function,
                              Scope& scope);

  const onnx::ModelProto& model_;
  TensorReader& tensors_;
  const Widening widening_;
  mutable bool is_widened_ = false;
  BuiltGraph built_;
  std::map<std::string, const onnx::FunctionProto*> functions_;
  std::vector<Call> calls_;                      // being inlined, outermost first
  absl::flat_hash_map<std::string, int> reads_;  // of the main graph's names, in the main graph
  UniqueNames node_names_;
  UniqueNames constant_names_;  // of the main graph: states are told apart by them
  // Operators without a definition, with the nodes that ask for them.
  MissingOperators missing_;
  int64_t node_count_ = 0;
};

// The key of a function: (domain, name, overload) in one string.
std::string FunctionKey(const std::string& domain, const std::string& name,
                        const std::string& overload);

// ONNX's own domain has two names.
inline std::string NormalizedDomain(const std::string& domain) {
  return domain == "ai.onnx" ? "" : domain;
}

}  // namespace strop
