#include "plugin/engine/plan/step_plan.h"

#include <unistd.h>

#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "graph/status_macros.h"
#include "plugin/engine/plan/kernel_selection.h"
#include "plugin/engine/plan/memory_plan.h"
#include "plugin/engine/plan/schedule.h"

namespace strop {
namespace {

// Places an instruction's outputs over inputs where the op allows it and nothing later reads them,
// and new states over the old ones.
class InPlacePlanner {
 public:
  explicit InPlacePlanner(StepPlan& plan) : plan_(plan), last_read_(plan.slots.size(), -1) {
    for (size_t n = 0; n < plan.instructions.size(); ++n) {
      for (const int slot : plan.instructions[n].inputs) {
        if (slot >= 0) last_read_[static_cast<size_t>(Root(slot))] = static_cast<int>(n);
      }
    }
    for (const StateUpdate& update : plan.graph.state_updates) updates_[update.updated] = update;
  }

  void Run() {
    for (size_t n = 0; n < plan_.instructions.size(); ++n) {
      Instruction& instruction = plan_.instructions[n];
      if (instruction.op == nullptr) continue;
      for (const auto& [input, output] : instruction.op->in_place) {
        TryShare(static_cast<int>(n), instruction, static_cast<size_t>(input),
                 static_cast<size_t>(output));
      }
    }
    for (size_t i = 0; i < plan_.slots.size(); ++i) {
      plan_.slots[i].root = Root(static_cast<int>(i));
    }
  }

 private:
  // Views of an output that was placed over an input follow it there.
  int Root(int slot) const {
    while (plan_.slots[static_cast<size_t>(slot)].root != slot) {
      slot = plan_.slots[static_cast<size_t>(slot)].root;
    }
    return slot;
  }

  void TryShare(int position, Instruction& instruction, size_t input, size_t output) {
    if (input >= instruction.inputs.size() || output >= instruction.outputs.size()) return;
    if (instruction.inputs[input] < 0 || instruction.outputs[output] < 0) return;
    const int source = Root(instruction.inputs[input]);
    Slot& target = plan_.slots[static_cast<size_t>(instruction.outputs[output])];
    const Slot& read = plan_.slots[static_cast<size_t>(instruction.inputs[input])];
    if (target.root != instruction.outputs[output] || read.bytes != target.bytes ||
        !SameLayout(read.layout, target.layout)) {
      return;
    }
    // Eight bools are as long as the int64 that they were broadcast from.
    if (plan_.graph.type(read.value).element_type != plan_.graph.type(target.value).element_type) {
      return;
    }
    if (TakenByOtherOutput(instruction, source)) return;
    const Slot& owner = plan_.slots[static_cast<size_t>(source)];
    const bool last = last_read_[static_cast<size_t>(source)] == position;
    if (!last || !MayOverwrite(owner, target.value)) return;
    target.root = source;
    last_read_[static_cast<size_t>(source)] =
        std::max(position, last_read_[static_cast<size_t>(instruction.outputs[output])]);
  }

  bool TakenByOtherOutput(const Instruction& instruction, int root) const {
    for (const int output : instruction.outputs) {
      if (output >= 0 && Root(output) == root) return true;
    }
    return false;
  }

  bool MayOverwrite(const Slot& owner, ValueId result) const {
    if (owner.home == SlotHome::kArena) return true;
    if (owner.home != SlotHome::kState) return false;
    const auto update = updates_.find(result);
    return update != updates_.end() && update->second.state == owner.value;
  }

  StepPlan& plan_;
  std::vector<int> last_read_;  // by root slot
  std::map<ValueId, StateUpdate> updates_;
};

void PlaceSlots(StepPlan& plan) {
  std::vector<Lifetime> by_root(plan.slots.size(), {0, -1, -1});
  const auto touch = [&](int slot, size_t position) {
    if (slot < 0) return;
    Lifetime& lifetime = by_root[static_cast<size_t>(plan.slots[static_cast<size_t>(slot)].root)];
    lifetime.bytes = std::max(lifetime.bytes, plan.slots[static_cast<size_t>(slot)].bytes);
    if (lifetime.first < 0) lifetime.first = static_cast<int>(position);
    lifetime.last = static_cast<int>(position);
  };
  for (size_t n = 0; n < plan.instructions.size(); ++n) {
    for (const int slot : plan.instructions[n].inputs) touch(slot, n);
    for (const int slot : plan.instructions[n].outputs) touch(slot, n);
    touch(plan.instructions[n].workspace, n);
  }
  std::vector<Lifetime> lifetimes;
  std::vector<size_t> roots;
  for (size_t i = 0; i < plan.slots.size(); ++i) {
    if (plan.slots[i].home != SlotHome::kArena || by_root[i].first < 0) continue;
    lifetimes.push_back(by_root[i]);
    roots.push_back(i);
  }
  const MemoryPlan memory = PlanMemory(lifetimes);
  for (size_t i = 0; i < roots.size(); ++i) plan.slots[roots[i]].offset = memory.offsets[i];
  plan.arena_bytes = memory.arena_bytes;
}

size_t PhysicalMemoryBytes() {
  return static_cast<size_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace

absl::StatusOr<StepPlan> BuildPlan(Graph graph, const StateLayouts& state_layouts,
                                   const PlanOptions& options) {
  StepPlan plan;
  ScheduleUpdatesEarly(graph, options.late_inputs > 0);
  plan.graph = std::move(graph);
  if (options.verify) STROP_RETURN_IF_ERROR(VerifyGraph(plan.graph));
  STROP_RETURN_IF_ERROR(SelectKernels(plan, state_layouts, options));
  InPlacePlanner(plan).Run();
  PlaceSlots(plan);
  if (plan.arena_bytes > PhysicalMemoryBytes()) {
    return absl::ResourceExhaustedError(
        absl::StrCat("plan: a step needs ", plan.arena_bytes >> 20, " MiB and the machine has ",
                     PhysicalMemoryBytes() >> 20, " MiB; use a smaller batch"));
  }
  return plan;
}

std::string DescribePlan(const StepPlan& plan) {
  const auto operand = [&](int index) -> std::string {
    if (index < 0) return "_";
    const Slot& slot = plan.slots[static_cast<size_t>(index)];
    const Slot& root = plan.slots[static_cast<size_t>(slot.root)];
    static constexpr const char* kHomes[] = {"@", "input", "constant", "state", "output"};
    std::string place = kHomes[static_cast<int>(root.home)];
    if (root.home == SlotHome::kArena) absl::StrAppend(&place, root.offset);
    return absl::StrCat("%", plan.graph.value(slot.value).name, ":",
                        TypeName(plan.graph.type(slot.value)),
                        slot.layout == nullptr ? "" : " " + slot.layout->name(), " ", place);
  };
  std::string text;
  for (size_t n = 0; n < plan.instructions.size(); ++n) {
    const Instruction& instruction = plan.instructions[n];
    std::vector<std::string> inputs;
    for (const int slot : instruction.inputs) inputs.push_back(operand(slot));
    std::vector<std::string> outputs;
    for (const int slot : instruction.outputs) outputs.push_back(operand(slot));
    absl::StrAppend(&text, n, "  ", instruction.label, " [", instruction.kernel->implementation,
                    "] (", absl::StrJoin(inputs, ", "), ") -> (", absl::StrJoin(outputs, ", "),
                    ")\n");
  }
  absl::StrAppend(&text, "arena ", plan.arena_bytes, " bytes\n");
  return text;
}

}  // namespace strop
