#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "graph/graph.h"

namespace onnx {
class ModelProto;
}

namespace strop {

// Why a floating constant of the model is trained or not, and where its bytes lie.
struct Parameter {
  enum class Role {
    kTrained,     // a kState of the graph that the optimizer updates
    kFrozen,      // could be trained, but a rule or the user says no
    kStatistics,  // running mean or variance of a BatchNormalization: a kState, never
                  // differentiated
  };
  enum class Origin {
    kInitializer,
    kConstantNode,  // value of a Constant node
    kIdentity,  // an Identity of a constant: a parameter of its own (export adds an initializer)
  };
  std::string name;          // of the tensor: initializer name, or the node's output name
  ValueId value = kNoValue;  // in ImportedModel::graph: kState
  Role role = Role::kTrained;
  Origin origin = Origin::kInitializer;
  std::string reason;  // one phrase for `strop inspect`: "weight of \"conv1\" (Conv)"
};

// What the user overrides of the rule that says what is trained. Patterns are globs (* and ?) on
// tensor names.
struct ParameterSelection {
  std::vector<std::string> train;
  std::vector<std::string> train_only;
  std::vector<std::string> freeze;
};

struct ImportOptions {
  ParameterSelection selection;
  // Widen every floating tensor to double (--precision f64), casts included.
  bool widen_to_double = false;
};

// A model ready for the engine. `graph` holds the standard ops at one opset's meaning, local
// functions inlined, fused ops lowered; its inputs and outputs have the model's names and order,
// initializers that are listed as inputs too excluded.
struct ImportedModel {
  Graph graph;
  std::vector<Parameter> parameters;  // in the order of the file
  std::string path;

  // The file as it was, for the exporter: the parsed model and the bytes.
  std::shared_ptr<const onnx::ModelProto> model;
  std::shared_ptr<const std::string> bytes;
};

// Reads an ONNX file. Never crashes, hangs or allocates beyond the file's own size on any content.
// Errors are one line "import: …" with the node or tensor, what was found, what was expected and
// what to do: InvalidArgument for a bad model, NotFound for a missing file, Unimplemented listing
// every unsupported operator with its node names.
absl::StatusOr<ImportedModel> ImportModel(const std::string& path,
                                          const ImportOptions& options = {});

}  // namespace strop
