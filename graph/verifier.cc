#include "absl/strings/str_cat.h"
#include "graph/graph.h"

namespace strop {
namespace {

class Verifier {
 public:
  explicit Verifier(const Graph& graph) : graph_(graph), computed_(graph.values.size(), false) {}

  absl::Status Run() {
    if (absl::Status status = CheckSources(); !status.ok()) return status;
    for (const Node& node : graph_.nodes) {
      if (absl::Status status = CheckNode(node); !status.ok()) return status;
    }
    for (const ValueId output : graph_.outputs) {
      if (!IsComputed(output)) return Fault("a graph output is never computed");
    }
    return CheckUpdates();
  }

 private:
  absl::Status Fault(const std::string& what) const {
    return absl::InternalError(absl::StrCat("graph \"", graph_.name, "\": ", what));
  }

  bool InRange(ValueId id) const {
    return id >= 0 && static_cast<size_t>(id) < graph_.values.size();
  }
  bool IsComputed(ValueId id) const { return InRange(id) && computed_[static_cast<size_t>(id)]; }

  absl::Status CheckSources() {
    for (size_t i = 0; i < graph_.values.size(); ++i) {
      const Value& value = graph_.values[i];
      computed_[i] = value.kind != ValueKind::kNodeOutput;
      if (value.kind != ValueKind::kConstant && value.kind != ValueKind::kState) continue;
      if (value.kind == ValueKind::kState && value.tensor.is_empty_handle()) continue;
      if (value.tensor.type() != value.type.element_type ||
          (value.type.shape && *value.type.shape != value.tensor.shape())) {
        return Fault(absl::StrCat("value \"", value.name, "\" has type ", TypeName(value.type),
                                  " and a tensor of another"));
      }
    }
    return absl::OkStatus();
  }

  absl::Status CheckNode(const Node& node) {
    for (const ValueId input : node.inputs) {
      if (input == kNoValue) continue;
      if (!IsComputed(input)) {
        return Fault(absl::StrCat("node ", NodeLabel(node), " reads \"",
                                  InRange(input) ? graph_.value(input).name : "?",
                                  "\" before it is computed"));
      }
    }
    for (const ValueId output : node.outputs) {
      if (output == kNoValue) continue;
      if (!InRange(output) || graph_.value(output).kind != ValueKind::kNodeOutput ||
          IsComputed(output)) {
        return Fault(absl::StrCat("node ", NodeLabel(node), " assigns a value twice"));
      }
      computed_[static_cast<size_t>(output)] = true;
    }
    return absl::OkStatus();
  }

  absl::Status CheckUpdates() const {
    for (const StateUpdate& update : graph_.state_updates) {
      if (!InRange(update.state) || graph_.value(update.state).kind != ValueKind::kState ||
          !IsComputed(update.updated)) {
        return Fault("a state update names no state or an uncomputed value");
      }
      if (graph_.type(update.state).element_type != graph_.type(update.updated).element_type) {
        return Fault(absl::StrCat("the update of \"", graph_.value(update.state).name,
                                  "\" has another type"));
      }
    }
    return absl::OkStatus();
  }

  const Graph& graph_;
  std::vector<bool> computed_;
};

}  // namespace

absl::Status VerifyGraph(const Graph& graph) { return Verifier(graph).Run(); }

}  // namespace strop
