#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "graph/graph.h"
#include "ops/core/op_definition.h"
#include "plugin/engine/plan/plan_options.h"

namespace strop {

// Where a slot's bytes lie.
enum class SlotHome {
  kArena,     // at `offset` in the arena
  kInput,     // the caller's tensor for graph input `index`
  kConstant,  // the tensor of constant value `value`
  kState,     // the store's entry of state value `value`
  kOutput,    // the session's tensor for graph output `index`
};

// One buffer of a step: a value in one layout. A value that readers want in several layouts has
// several slots; values that share memory (views, in-place results) share a root slot.
struct Slot {
  ValueId value = kNoValue;  // kNoValue for a workspace
  Layout layout;
  size_t bytes = 0;
  SlotHome home = SlotHome::kArena;
  int index = -1;
  int root = -1;      // the slot whose memory this one shares; itself when it owns
  size_t offset = 0;  // of a root in the arena
};

// A kernel and its operands, -1 where absent.
struct Instruction {
  std::string label;
  const OpDefinition* op = nullptr;  // null for reorders and copies
  std::unique_ptr<Kernel> kernel;
  std::vector<int> inputs;
  std::vector<int> outputs;
  int workspace = -1;
};

// Everything a step does, with concrete shapes: kernels in order, every buffer placed.
struct StepPlan {
  Graph graph;  // specialised
  std::vector<Slot> slots;
  std::vector<Instruction> instructions;
  size_t pause = 0;  // how many instructions come before the first that reads a late input
  size_t arena_bytes = 0;
};

// How a state value lies in its store, which plans share: called once a state value, `wanted` is
// what its first reader prefers, and the answer is that or what other plans rely on already.
using AdoptStateLayout =
    std::function<absl::StatusOr<Layout>(const Value& state, const Layout& wanted)>;

// Where other plans rely on a state lying, before anything in this one reads it; absent while it is
// free.
using FixedStateLayout = std::function<std::optional<Layout>(const Value& state)>;

struct StateLayouts {
  AdoptStateLayout adopt;
  FixedStateLayout fixed;
};

// Plans a specialised graph. ResourceExhausted when the arena would not fit the machine's memory.
absl::StatusOr<StepPlan> BuildPlan(Graph graph, const StateLayouts& state_layouts,
                                   const PlanOptions& options);

// One line an instruction, for --dump plan.
std::string DescribePlan(const StepPlan& plan);

}  // namespace strop
