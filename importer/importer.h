#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "graph/graph.h"
#include "importer/external_data.h"
#include "importer/model_file.h"

namespace onnx {
class ModelProto;
}

namespace strop {

// Why a floating constant of the model is trained or not, and where its bytes lie.
struct Parameter {
  enum class Role {
    kTrained,     // a kState of the graph that the optimizer updates
    kFrozen,      // not trained: a rule or the user says no
    kStatistics,  // running mean or variance of a BatchNormalization: a kState, never
                  // differentiated
  };
  enum class Origin {
    kInitializer,
    kConstantNode,  // value of a Constant node
    kIdentity,  // an Identity of a constant: a parameter of its own (export adds an initializer)
  };
  std::string name;          // of the tensor: initializer name, or the node's output name
  ValueId value = kNoValue;  // in ImportedModel::graph. kState if it is trained, statistics, or
                             // frozen by the user alone; kConstant if the rule says that it is
                             // no parameter
  Role role = Role::kTrained;
  Origin origin = Origin::kInitializer;
  std::string reason;                // one phrase for `strop inspect`: "weight of \"conv1\" (Conv)"
  bool is_norm_or_bias = false;      // the rule calls it bias, scale, slope or gain
  DataType type = DataType::kFloat;  // of its elements in the file
  int tensor = -1;      // number of its TensorProto in the file; -1 when export cannot replace it
  bool is_new = false;  // of a new head, which has learned nothing yet
  bool is_in_function = false;  // its TensorProto stands in a function's body
};

// A node of the main graph that calls a function.
struct FunctionCall {
  std::string name;      // of the node, no other's
  std::string function;  // its name
};

// What the user overrides of the rule that says what is trained. Patterns are globs (* and ?) on
// tensor names; one that matches no floating tensor is an error. `train` adds to what the rule
// says, `train_only` leaves only what matches of it, `freeze` has the last word.
struct ParameterSelection {
  std::vector<std::string> train;
  std::vector<std::string> train_only;
  std::vector<std::string> freeze;
};

// Which floating tensors are given a wider type than the file's, casts included.
enum class Widening {
  kNone,
  kHalfToFloat,  // float16 and bfloat16, for training: in them small updates would be rounded away
  kToDouble,     // every one (--precision f64)
};

struct ImportOptions {
  ParameterSelection selection;
  Widening widening = Widening::kNone;
};

// A model ready for the engine. `graph` holds the standard ops at one opset's meaning, functions
// inlined, fused ops lowered; its inputs and outputs have the model's names and order,
// initializers that are listed as inputs too excluded. How subgraphs read outer values:
// importer/graph_builder.h.
struct ImportedModel {
  Graph graph;
  std::vector<Parameter> parameters;  // every floating constant of the main graph, in file order
  // The main graph's call that a node of `graph` comes from, by the node's name. The file keeps
  // such nodes in functions.
  std::map<std::string, FunctionCall> calls;
  bool is_widened = false;  // some type in it is wider than the file's (Widening)
  std::string path;

  // The file as it was, for the exporter.
  std::shared_ptr<const ModelFile> file;
  std::shared_ptr<ExternalData> external_data;

  // What the file says besides tensors' elements (opsets, metadata, producer). Long tensors have
  // no elements here.
  std::shared_ptr<const onnx::ModelProto> model;
};

// Reads an ONNX file. Never crashes, hangs or allocates beyond the file's own size on any content.
// Errors are one line "import: …" with the node or tensor, what was found, what was expected and
// what to do. Their codes here and in the exporter, for callers: InvalidArgument, a bad model;
// Unimplemented, a model beyond Strop, listing every unsupported operator with its nodes; NotFound,
// a missing or unreadable input; PermissionDenied and AlreadyExists, an output that cannot be
// created; DataLoss and ResourceExhausted, a failed read or write.
absl::StatusOr<ImportedModel> ImportModel(const std::string& path,
                                          const ImportOptions& options = {});

// The same for a model that is not, or no longer, what a file holds (after a new head).
absl::StatusOr<ImportedModel> ImportModel(std::shared_ptr<const ModelFile> file,
                                          const ImportOptions& options = {});

}  // namespace strop
