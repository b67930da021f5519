#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "graph/attributes.h"
#include "graph/tensor.h"
#include "graph/tensor_type.h"

namespace strop {

// Index of a value in Graph::values.
using ValueId = int32_t;

// Stands where a node leaves an optional input or output out.
inline constexpr ValueId kNoValue = -1;

// The domain of the operators that exist only inside Strop: gradients, losses, optimizer updates.
// ONNX's own domain is the empty string.
inline constexpr std::string_view kStropDomain = "strop";

enum class ValueKind {
  kInput,       // fed at every step
  kConstant,    // `tensor` holds it
  kState,       // lives across steps: a parameter, a running statistic, an optimizer moment;
                // `tensor` holds its first value until a store has taken it over
  kNodeOutput,  // computed by one of the nodes
};

struct Value {
  std::string name;
  TensorType type;
  ValueKind kind = ValueKind::kNodeOutput;
  Tensor tensor;  // of kConstant and kState
};

struct Node {
  std::string name;  // as the model has it, for messages; never empty after import
  std::string domain;
  std::string op_type;
  Attributes attributes;
  std::vector<ValueId> inputs;   // kNoValue where absent
  std::vector<ValueId> outputs;  // kNoValue where not wanted
};

// A state value takes `updated`'s elements when a step ends. The planner makes it in place.
struct StateUpdate {
  ValueId state = kNoValue;
  ValueId updated = kNoValue;
};

// A typed dataflow graph in single-assignment form. Nodes stand in an order in which every input
// is computed before it is read. A plain value: copy it, edit it, verify it.
class Graph {
 public:
  std::string name;
  std::vector<Value> values;
  std::vector<Node> nodes;
  std::vector<ValueId> inputs;
  std::vector<ValueId> outputs;
  std::vector<StateUpdate> state_updates;

  ValueId AddInput(std::string value_name, TensorType type);
  ValueId AddConstant(std::string value_name, Tensor tensor);
  ValueId AddState(std::string value_name, Tensor tensor);
  // A value that a node added later computes.
  ValueId AddValue(std::string value_name, TensorType type);

  const Value& value(ValueId id) const { return values[static_cast<size_t>(id)]; }
  Value& value(ValueId id) { return values[static_cast<size_t>(id)]; }
  const TensorType& type(ValueId id) const { return value(id).type; }

  // Drops the nodes that nothing reads. Values keep their ids.
  void RemoveDeadNodes();
};

// "layer2/pool" (MaxPool)
std::string NodeLabel(const Node& node);

// Checks what every pass may rely on: ids in range, single assignment, order, kinds and tensors
// that agree, updates that have their state's type. Internal error naming the node otherwise.
absl::Status VerifyGraph(const Graph& graph);

// One line per node: outputs with types = op(inputs) {attributes}. The format is for people.
std::string PrintGraph(const Graph& graph);

// The same for Graphviz's dot.
std::string PrintGraphviz(const Graph& graph);

}  // namespace strop
