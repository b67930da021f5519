#include "plugin/engine/plan/kernel_selection.h"

#include <cstring>
#include <map>
#include <optional>

#include "absl/strings/str_cat.h"
#include "graph/graph_index.h"
#include "graph/status_macros.h"
#include "ops/core/registry.h"
#include "ops/kernels/reorder.h"

namespace strop {
namespace {

size_t SlotBytes(const TensorType& type, const Layout& layout) {
  if (layout != nullptr) return layout->bytes();
  return BytesFor(type.element_type, ElementCount(*type.shape));
}

Layout LayoutAt(const std::vector<Layout>& layouts, size_t index) {
  return index < layouts.size() ? layouts[index] : nullptr;
}

class Selector {
 public:
  Selector(StepPlan& plan, const StateLayouts& state_layouts, const PlanOptions& options)
      : plan_(plan),
        state_layouts_(state_layouts),
        options_(options),
        slots_of_(plan.graph.values.size()),
        has_output_(plan.graph.outputs.size(), false) {
    for (const StateUpdate& update : plan.graph.state_updates) {
      updated_state_[update.updated] = update.state;
    }
  }

  absl::Status Run() {
    AddSources();
    std::vector<bool> is_late = LateInputs();
    bool has_paused = false;
    for (const Node& node : plan_.graph.nodes) {
      STROP_ASSIGN_OR_RETURN(const OpDefinition* op, DefinitionOf(node));
      if (MarkLate(*op, node, is_late) && !has_paused) {
        has_paused = true;
        STROP_RETURN_IF_ERROR(Pause(is_late));
      }
      STROP_RETURN_IF_ERROR(op->is_view ? AddView(node) : AddNode(*op, node));
    }
    if (!has_paused) STROP_RETURN_IF_ERROR(Pause(is_late));
    STROP_RETURN_IF_ERROR(CheckEarlyOutputs(is_late));
    STROP_RETURN_IF_ERROR(AddStateCopies());
    return AddOutputCopies();
  }

 private:
  int AddSlot(ValueId value, Layout layout, SlotHome home, int index = -1) {
    Slot slot;
    slot.value = value;
    slot.bytes = SlotBytes(plan_.graph.type(value), layout);
    slot.layout = std::move(layout);
    slot.home = home;
    slot.index = index;
    slot.root = static_cast<int>(plan_.slots.size());
    plan_.slots.push_back(std::move(slot));
    slots_of_[static_cast<size_t>(value)].push_back(plan_.slots.back().root);
    return plan_.slots.back().root;
  }

  // By value: whether it is an input that is known late only.
  std::vector<bool> LateInputs() const {
    const std::vector<ValueId>& inputs = plan_.graph.inputs;
    std::vector<bool> is_late(plan_.graph.values.size(), false);
    for (size_t i = inputs.size() - static_cast<size_t>(options_.late_inputs); i < inputs.size();
         ++i) {
      is_late[static_cast<size_t>(inputs[i])] = true;
    }
    return is_late;
  }

  // Whether the node has to wait for late inputs; so have its outputs, then.
  static bool MarkLate(const OpDefinition& op, const Node& node, std::vector<bool>& is_late) {
    bool waits = false;
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      waits |= node.inputs[i] != kNoValue && op.use_of(i) != InputUse::kShapeOnly &&
               is_late[static_cast<size_t>(node.inputs[i])];
    }
    if (!waits) return false;
    for (const ValueId output : node.outputs) {
      if (output != kNoValue) is_late[static_cast<size_t>(output)] = true;
    }
    return true;
  }

  // What waits for late inputs comes from here on: whatever of the outputs is there is given out.
  absl::Status Pause(const std::vector<bool>& is_late) {
    if (options_.late_inputs > 0) {
      const GraphIndex index(plan_.graph);
      for (size_t i = 0; i < plan_.graph.outputs.size(); ++i) {
        const ValueId id = plan_.graph.outputs[i];
        const bool is_made = index.producer(id) < 0 || PrimarySlot(id) >= 0;
        if (is_made && !is_late[static_cast<size_t>(id)]) STROP_RETURN_IF_ERROR(AddOutputCopy(i));
      }
    }
    plan_.pause = plan_.instructions.size();
    return absl::OkStatus();
  }

  absl::Status CheckEarlyOutputs(const std::vector<bool>& is_late) const {
    for (size_t i = 0; i < has_output_.size() && options_.late_inputs > 0; ++i) {
      const ValueId id = plan_.graph.outputs[i];
      if (has_output_[i] || is_late[static_cast<size_t>(id)]) continue;
      return absl::InternalError(absl::StrCat("plan: output \"", plan_.graph.value(id).name,
                                              "\" stands behind what waits for late inputs"));
    }
    return absl::OkStatus();
  }

  void AddSources() {
    const Graph& graph = plan_.graph;
    for (size_t i = 0; i < graph.inputs.size(); ++i) {
      AddSlot(graph.inputs[i], nullptr, SlotHome::kInput, static_cast<int>(i));
    }
    const GraphIndex index(graph);
    for (size_t i = 0; i < graph.values.size(); ++i) {
      const auto id = static_cast<ValueId>(i);
      if (graph.values[i].kind == ValueKind::kConstant && index.use_count(id) > 0) {
        AddSlot(id, nullptr, SlotHome::kConstant);
      }
    }
    // States get their slot when the first reader has said which layout it prefers.
  }

  // The slot as the value's producer leaves it; -1 for a state that nothing has read yet.
  int PrimarySlot(ValueId value) const {
    const std::vector<int>& slots = slots_of_[static_cast<size_t>(value)];
    return slots.empty() ? -1 : slots.front();
  }

  TensorDescription Describe(ValueId id) const {
    TensorDescription description;
    if (id == kNoValue) return description;
    const Value& value = plan_.graph.value(id);
    description.type = value.type.element_type;
    description.shape = *value.type.shape;
    description.is_present = true;
    description.is_state = value.kind == ValueKind::kState;
    if (value.kind == ValueKind::kConstant) description.constant = &value.tensor;
    const int slot = PrimarySlot(id);
    if (slot >= 0) description.layout = plan_.slots[static_cast<size_t>(slot)].layout;
    return description;
  }

  // A slot that holds the value in `layout`, by reordering the primary one if there is none yet.
  absl::StatusOr<int> SlotIn(ValueId id, const Layout& layout) {
    const Value& value = plan_.graph.value(id);
    if (value.kind == ValueKind::kState && PrimarySlot(id) < 0) {
      STROP_ASSIGN_OR_RETURN(Layout adopted, state_layouts_.adopt(value, layout));
      AddSlot(id, std::move(adopted), SlotHome::kState);
    }
    for (const int slot : slots_of_[static_cast<size_t>(id)]) {
      if (SameLayout(plan_.slots[static_cast<size_t>(slot)].layout, layout)) return slot;
    }
    const int source = PrimarySlot(id);
    STROP_ASSIGN_OR_RETURN(
        std::unique_ptr<Kernel> reorder,
        MakeReorderKernel(value.type.element_type, *value.type.shape,
                          plan_.slots[static_cast<size_t>(source)].layout, layout));
    const int target = AddSlot(id, layout, SlotHome::kArena);
    AddInstruction("reorder " + value.name, std::move(reorder), {source}, {target});
    return target;
  }

  void AddInstruction(std::string label, std::unique_ptr<Kernel> kernel, std::vector<int> inputs,
                      std::vector<int> outputs) {
    Instruction instruction;
    instruction.label = std::move(label);
    instruction.inputs = std::move(inputs);
    instruction.outputs = std::move(outputs);
    if (kernel->workspace_bytes > 0) {
      Slot workspace;
      workspace.bytes = kernel->workspace_bytes;
      workspace.root = static_cast<int>(plan_.slots.size());
      instruction.workspace = workspace.root;
      plan_.slots.push_back(std::move(workspace));
    }
    instruction.kernel = std::move(kernel);
    plan_.instructions.push_back(std::move(instruction));
  }

  absl::Status AddView(const Node& node) {
    STROP_ASSIGN_OR_RETURN(const int source, SlotIn(node.inputs[0], nullptr));
    const int view = AddSlot(node.outputs[0], nullptr, SlotHome::kArena);
    plan_.slots[static_cast<size_t>(view)].root = plan_.slots[static_cast<size_t>(source)].root;
    return absl::OkStatus();
  }

  absl::StatusOr<std::unique_ptr<Kernel>> CreateKernel(const OpDefinition& op,
                                                       const KernelRequest& request) {
    if (options_.generic_kernels_only) return op.kernels.back()(request);
    for (const KernelFactory factory : op.kernels) {
      STROP_ASSIGN_OR_RETURN(std::unique_ptr<Kernel> kernel, factory(request));
      if (kernel != nullptr) return kernel;
    }
    return std::unique_ptr<Kernel>();
  }

  // A node that writes a state over the old one decides where others lie with it (an optimizer its
  // moments), so it has to see where an earlier plan has put the state, even as its first reader.
  void AddFixedStates(const OpDefinition& op, const Node& node) {
    for (const auto& [input, output] : op.in_place) {
      const auto from = static_cast<size_t>(input);
      const auto to = static_cast<size_t>(output);
      if (from >= node.inputs.size() || to >= node.outputs.size()) continue;
      const auto update = updated_state_.find(node.outputs[to]);
      if (update == updated_state_.end() || update->second != node.inputs[from]) continue;
      if (PrimarySlot(update->second) >= 0) continue;
      const std::optional<Layout> fixed = state_layouts_.fixed(plan_.graph.value(update->second));
      if (fixed) AddSlot(update->second, *fixed, SlotHome::kState);
    }
  }

  absl::Status AddNode(const OpDefinition& op, const Node& node) {
    AddFixedStates(op, node);
    std::vector<TensorDescription> inputs;
    for (const ValueId id : node.inputs) inputs.push_back(Describe(id));
    std::vector<TensorDescription> outputs;
    for (const ValueId id : node.outputs) outputs.push_back(Describe(id));
    absl::StatusOr<std::unique_ptr<Kernel>> kernel =
        CreateKernel(op, KernelRequest{node, inputs, outputs});
    if (!kernel.ok()) {
      return absl::Status(kernel.status().code(),
                          absl::StrCat("plan: node ", NodeLabel(node), ": ",
                                       std::string(kernel.status().message())));
    }
    if (*kernel == nullptr) {
      return absl::InternalError(absl::StrCat("plan: no kernel serves node ", NodeLabel(node)));
    }
    std::vector<int> input_slots;
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      if (node.inputs[i] == kNoValue || op.use_of(i) == InputUse::kShapeOnly) {
        input_slots.push_back(-1);
        continue;
      }
      STROP_ASSIGN_OR_RETURN(const int slot,
                             SlotIn(node.inputs[i], LayoutAt((*kernel)->input_layouts, i)));
      input_slots.push_back(slot);
    }
    std::vector<int> output_slots;
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      output_slots.push_back(
          node.outputs[i] == kNoValue
              ? -1
              : AddSlot(node.outputs[i], LayoutAt((*kernel)->output_layouts, i), SlotHome::kArena));
    }
    AddInstruction(absl::StrCat(node.op_type, " ", node.name), *std::move(kernel),
                   std::move(input_slots), std::move(output_slots));
    plan_.instructions.back().op = &op;
    return absl::OkStatus();
  }

  // New values of states, where the planner cannot place them over the old ones. The copies stand
  // last, when nothing reads the old values any more.
  absl::Status AddStateCopies() {
    for (const StateUpdate& update : plan_.graph.state_updates) {
      STROP_RETURN_IF_ERROR(SlotIn(update.state, StateLayout(update)).status());
      const int state = PrimarySlot(update.state);
      STROP_ASSIGN_OR_RETURN(
          const int updated,
          SlotIn(update.updated, plan_.slots[static_cast<size_t>(state)].layout));
      STROP_RETURN_IF_ERROR(AddCopy("update ", update.state, updated, state));
    }
    return absl::OkStatus();
  }

  Layout StateLayout(const StateUpdate& update) const {
    const int updated = PrimarySlot(update.updated);
    return updated < 0 ? nullptr : plan_.slots[static_cast<size_t>(updated)].layout;
  }

  absl::Status AddOutputCopies() {
    for (size_t i = 0; i < plan_.graph.outputs.size(); ++i) {
      if (!has_output_[i]) STROP_RETURN_IF_ERROR(AddOutputCopy(i));
    }
    return absl::OkStatus();
  }

  absl::Status AddOutputCopy(size_t output) {
    has_output_[output] = true;
    const ValueId id = plan_.graph.outputs[output];
    STROP_ASSIGN_OR_RETURN(const int source, SlotIn(id, nullptr));
    Slot slot = plan_.slots[static_cast<size_t>(source)];
    slot.home = SlotHome::kOutput;
    slot.index = static_cast<int>(output);
    slot.root = static_cast<int>(plan_.slots.size());
    plan_.slots.push_back(slot);
    return AddCopy("output ", id, source, slot.root);
  }

  absl::Status AddCopy(const std::string& verb, ValueId id, int source, int target) {
    const size_t bytes = plan_.slots[static_cast<size_t>(source)].bytes;
    std::unique_ptr<Kernel> copy = MakeKernel([bytes](const KernelArguments& arguments) {
      if (arguments.outputs[0] != arguments.inputs[0] && bytes > 0) {
        std::memcpy(arguments.outputs[0], arguments.inputs[0], bytes);
      }
      return absl::OkStatus();
    });
    AddInstruction(verb + plan_.graph.value(id).name, std::move(copy), {source}, {target});
    return absl::OkStatus();
  }

  StepPlan& plan_;
  const StateLayouts& state_layouts_;
  const PlanOptions& options_;
  std::map<ValueId, ValueId> updated_state_;  // by its new value
  std::vector<std::vector<int>> slots_of_;    // by value; the first is the producer's
  std::vector<bool> has_output_;              // by output: whether it is given out already
};

}  // namespace

absl::Status SelectKernels(StepPlan& plan, const StateLayouts& state_layouts,
                           const PlanOptions& options) {
  return Selector(plan, state_layouts, options).Run();
}

}  // namespace strop
