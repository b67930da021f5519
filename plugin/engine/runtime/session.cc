#include "plugin/engine/runtime/session.h"

#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "ops/kernels/team_size.h"
#include "plugin/engine/passes/passes.h"
#include "plugin/engine/plan/specialize.h"
#include "plugin/engine/plan/step_plan.h"
#include "plugin/engine/runtime/anomaly.h"

namespace strop {
namespace {

using Signature = std::vector<Shape>;

// A plan with its operands' addresses filled in.
class BoundPlan {
 public:
  BoundPlan(StepPlan plan, StateStore& store, bool detects_anomalies)
      : plan_(std::move(plan)), store_(store) {
    if (detects_anomalies) anomaly_ = std::make_unique<AnomalyDetector>(plan_);
    for (size_t i = 0; i < plan_.graph.outputs.size(); ++i) {
      const TensorType& type = plan_.graph.type(plan_.graph.outputs[i]);
      outputs_.emplace_back(type.element_type, *type.shape);
    }
    for (const Instruction& instruction : plan_.instructions) {
      Operands operands;
      operands.inputs.resize(instruction.inputs.size(), nullptr);
      operands.outputs.resize(instruction.outputs.size(), nullptr);
      operands_.push_back(std::move(operands));
    }
  }

  const StepPlan& plan() const { return plan_; }
  absl::Span<const Tensor> outputs() const { return outputs_; }

  // Fills in every address but the inputs', which RunStep gets anew each time. Does nothing as long
  // as the arena stays where it is.
  absl::Status Bind(const Arena& memory) {
    if (is_bound_ && generation_ == memory.generation()) return absl::OkStatus();
    is_bound_ = true;
    generation_ = memory.generation();
    std::byte* arena = memory.data();
    for (size_t n = 0; n < plan_.instructions.size(); ++n) {
      const Instruction& instruction = plan_.instructions[n];
      for (size_t i = 0; i < instruction.inputs.size(); ++i) {
        STROP_ASSIGN_OR_RETURN(operands_[n].inputs[i], Address(instruction.inputs[i], arena));
      }
      for (size_t i = 0; i < instruction.outputs.size(); ++i) {
        STROP_ASSIGN_OR_RETURN(operands_[n].outputs[i], Address(instruction.outputs[i], arena));
      }
      STROP_ASSIGN_OR_RETURN(operands_[n].workspace, Address(instruction.workspace, arena));
    }
    FindInputOperands();
    return absl::OkStatus();
  }

  absl::Status RunStep(absl::Span<const Tensor> inputs, const StepState& step) {
    STROP_RETURN_IF_ERROR(BeginStep(inputs, step));
    return EndStep(inputs, step);
  }

  // What does not wait for late inputs.
  absl::Status BeginStep(absl::Span<const Tensor> inputs, const StepState& step) {
    if (anomaly_ != nullptr) anomaly_->BeginStep();
    return RunInstructions(0, plan_.pause, inputs, step);
  }

  absl::Status EndStep(absl::Span<const Tensor> inputs, const StepState& step) {
    STROP_RETURN_IF_ERROR(RunInstructions(plan_.pause, operands_.size(), inputs, step));
    return anomaly_ == nullptr ? absl::OkStatus() : anomaly_->EndStep();
  }

 private:
  struct Operands {
    std::vector<const void*> inputs;
    std::vector<void*> outputs;
    void* workspace = nullptr;
  };
  struct InputOperand {
    const void** address;
    int input;
  };

  absl::Status RunInstructions(size_t begin, size_t end, absl::Span<const Tensor> inputs,
                               const StepState& step) {
    for (const InputOperand& operand : input_operands_) {
      *operand.address = inputs[static_cast<size_t>(operand.input)].data();
    }
    for (size_t n = begin; n < end; ++n) {
      const Operands& operands = operands_[n];
      if (anomaly_ != nullptr) anomaly_->BeforeKernel(n, operands.inputs);
      absl::Status status = plan_.instructions[n].kernel->run(
          KernelArguments{operands.inputs, operands.outputs, operands.workspace, step});
      if (!status.ok()) {
        return absl::Status(status.code(), absl::StrCat("run: ", plan_.instructions[n].label, ": ",
                                                        std::string(status.message())));
      }
      if (anomaly_ != nullptr) anomaly_->AfterKernel(n, operands.outputs);
    }
    return absl::OkStatus();
  }

  absl::StatusOr<void*> Address(int index, std::byte* arena) {
    if (index < 0) return nullptr;
    const Slot& slot =
        plan_.slots[static_cast<size_t>(plan_.slots[static_cast<size_t>(index)].root)];
    switch (slot.home) {
      case SlotHome::kArena:
        return arena + slot.offset;
      case SlotHome::kInput:
        return nullptr;
      case SlotHome::kConstant:
        return plan_.graph.value(slot.value).tensor.mutable_data();
      case SlotHome::kState: {
        STROP_ASSIGN_OR_RETURN(StateStore::Entry * entry,
                               store_.FindOrAdd(plan_.graph.value(slot.value)));
        return entry->buffer.mutable_data();
      }
      case SlotHome::kOutput:
        return outputs_[static_cast<size_t>(slot.index)].mutable_data();
    }
    return absl::InternalError("run: a slot has no home");
  }

  void FindInputOperands() {
    input_operands_.clear();
    for (size_t n = 0; n < plan_.instructions.size(); ++n) {
      const Instruction& instruction = plan_.instructions[n];
      for (size_t i = 0; i < instruction.inputs.size(); ++i) {
        if (instruction.inputs[i] < 0) continue;
        const int root = plan_.slots[static_cast<size_t>(instruction.inputs[i])].root;
        const Slot& slot = plan_.slots[static_cast<size_t>(root)];
        if (slot.home == SlotHome::kInput) {
          input_operands_.push_back({&operands_[n].inputs[i], slot.index});
        }
      }
    }
  }

  StepPlan plan_;
  StateStore& store_;
  std::unique_ptr<AnomalyDetector> anomaly_;  // null: nobody looks
  bool is_bound_ = false;
  uint64_t generation_ = 0;  // of the arena that the addresses point into
  std::vector<Tensor> outputs_;
  std::vector<Operands> operands_;  // one an instruction
  std::vector<InputOperand> input_operands_;
};

absl::Status CheckInputs(const Graph& graph, absl::Span<const Tensor> inputs) {
  if (inputs.size() != graph.inputs.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("run: found ", inputs.size(), " inputs, expected ", graph.inputs.size()));
  }
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Value& value = graph.value(graph.inputs[i]);
    const TensorType found{inputs[i].type(), inputs[i].shape()};
    bool agrees = found.element_type == value.type.element_type;
    if (value.type.shape) {
      agrees = agrees && found.shape->size() == value.type.shape->size();
      for (size_t axis = 0; agrees && axis < found.shape->size(); ++axis) {
        const int64_t expected = (*value.type.shape)[axis];
        agrees = expected == kUnknownDimension || expected == (*found.shape)[axis];
      }
    }
    if (!agrees) {
      return absl::InvalidArgumentError(absl::StrCat("run: input \"", value.name, "\": found ",
                                                     TypeName(found), ", expected ",
                                                     TypeName(value.type)));
    }
  }
  return absl::OkStatus();
}

}  // namespace

void ReleaseStateTensors(Graph& graph) {
  for (Value& value : graph.values) {
    if (value.kind == ValueKind::kState) value.tensor = Tensor();
  }
}

struct Session::Implementation {
  Graph graph;
  std::shared_ptr<StateStore> store;
  PlanOptions options;
  StepState step;
  std::shared_ptr<Arena> arena;
  std::map<Signature, std::unique_ptr<BoundPlan>> plans;
  BoundPlan* newest = nullptr;
  Signature newest_signature;
  BoundPlan* begun = nullptr;  // whose step is half done
  std::vector<Tensor> begun_inputs;
  uint64_t begun_generation = 0;  // of the arena

  absl::StatusOr<BoundPlan*> PlanFor(absl::Span<const Tensor> inputs) {
    if (newest != nullptr && Matches(inputs)) return newest;
    STROP_RETURN_IF_ERROR(CheckInputs(graph, inputs));
    Signature signature;
    for (const Tensor& input : inputs) signature.push_back(input.shape());
    std::unique_ptr<BoundPlan>& plan = plans[signature];
    if (plan == nullptr) {
      absl::StatusOr<std::unique_ptr<BoundPlan>> made = MakePlan(signature);
      if (!made.ok()) {
        plans.erase(signature);
        return made.status();
      }
      plan = *std::move(made);
    }
    newest = plan.get();
    newest_signature = std::move(signature);
    return newest;
  }

  bool Matches(absl::Span<const Tensor> inputs) const {
    if (inputs.size() != newest_signature.size()) return false;
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (inputs[i].shape() != newest_signature[i] ||
          inputs[i].type() != graph.type(graph.inputs[i]).element_type) {
        return false;
      }
    }
    return true;
  }

  absl::StatusOr<std::unique_ptr<BoundPlan>> MakePlan(const Signature& signature) {
    STROP_ASSIGN_OR_RETURN(Graph specialised, Specialize(graph, signature));
    STROP_RETURN_IF_ERROR(Optimize(specialised, options));
    const AdoptStateLayout adopt = [this](const Value& state,
                                          const Layout& wanted) -> absl::StatusOr<Layout> {
      STROP_ASSIGN_OR_RETURN(StateStore::Entry * entry, store->FindOrAdd(state));
      return store->AdoptLayout(*entry, wanted);
    };
    const FixedStateLayout fixed = [this](const Value& state) {
      return store->FixedLayout(state.name);
    };
    STROP_ASSIGN_OR_RETURN(StepPlan plan,
                           BuildPlan(std::move(specialised), {adopt, fixed}, options));
    const size_t arena_bytes = plan.arena_bytes;
    auto bound = std::make_unique<BoundPlan>(std::move(plan), *store, options.detect_anomaly);
    STROP_RETURN_IF_ERROR(arena->Reserve(arena_bytes));
    STROP_RETURN_IF_ERROR(bound->Bind(*arena));
    return bound;
  }
};

Session::Session(std::unique_ptr<Implementation> implementation)
    : implementation_(std::move(implementation)) {}
Session::~Session() = default;

absl::StatusOr<std::unique_ptr<Session>> Session::Create(Graph graph,
                                                         std::shared_ptr<StateStore> store,
                                                         PlanOptions options,
                                                         std::shared_ptr<Arena> arena) {
  if (options.verify) STROP_RETURN_IF_ERROR(VerifyGraph(graph));
  for (const Value& value : graph.values) {
    if (value.kind == ValueKind::kState) STROP_RETURN_IF_ERROR(store->FindOrAdd(value).status());
  }
  ReleaseStateTensors(graph);
  auto implementation = std::make_unique<Implementation>();
  implementation->graph = std::move(graph);
  implementation->store = std::move(store);
  implementation->options = std::move(options);
  implementation->options.threads = TeamSize::Of(implementation->options.threads);
  implementation->arena = arena != nullptr ? std::move(arena) : std::make_shared<Arena>();
  return std::unique_ptr<Session>(new Session(std::move(implementation)));
}

const Graph& Session::graph() const { return implementation_->graph; }
StateStore& Session::store() const { return *implementation_->store; }

absl::StatusOr<absl::Span<const Tensor>> Session::Run(absl::Span<const Tensor> inputs) {
  const TeamSize team(implementation_->options.threads);
  STROP_ASSIGN_OR_RETURN(BoundPlan * plan, implementation_->PlanFor(inputs));
  STROP_RETURN_IF_ERROR(plan->Bind(*implementation_->arena));
  implementation_->begun = nullptr;
  STROP_RETURN_IF_ERROR(plan->RunStep(inputs, implementation_->step));
  ++implementation_->step.step;
  return plan->outputs();
}

absl::StatusOr<absl::Span<const Tensor>> Session::Begin(absl::Span<const Tensor> inputs) {
  const TeamSize team(implementation_->options.threads);
  STROP_ASSIGN_OR_RETURN(BoundPlan * plan, implementation_->PlanFor(inputs));
  STROP_RETURN_IF_ERROR(plan->Bind(*implementation_->arena));
  implementation_->begun = nullptr;
  STROP_RETURN_IF_ERROR(plan->BeginStep(inputs, implementation_->step));
  implementation_->begun = plan;
  implementation_->begun_inputs.assign(inputs.begin(), inputs.end());
  implementation_->begun_generation = implementation_->arena->generation();
  return plan->outputs();
}

absl::StatusOr<absl::Span<const Tensor>> Session::End(absl::Span<const Tensor> late_inputs) {
  const TeamSize team(implementation_->options.threads);
  BoundPlan* const plan = std::exchange(implementation_->begun, nullptr);
  if (plan == nullptr ||
      implementation_->begun_generation != implementation_->arena->generation()) {
    return absl::FailedPreconditionError("run: a step is ended that was not begun");
  }
  std::vector<Tensor>& inputs = implementation_->begun_inputs;
  if (late_inputs.size() != static_cast<size_t>(implementation_->options.late_inputs)) {
    return absl::InvalidArgumentError(absl::StrCat("run: found ", late_inputs.size(),
                                                   " late inputs, expected ",
                                                   implementation_->options.late_inputs));
  }
  const size_t first = inputs.size() - late_inputs.size();
  for (size_t i = 0; i < late_inputs.size(); ++i) {
    Tensor& input = inputs[first + i];
    const TensorType found{late_inputs[i].type(), late_inputs[i].shape()};
    const TensorType expected{input.type(), input.shape()};
    if (found.element_type != expected.element_type || *found.shape != *expected.shape) {
      const Graph& graph = implementation_->graph;
      return absl::InvalidArgumentError(
          absl::StrCat("run: input \"", graph.value(graph.inputs[first + i]).name, "\": found ",
                       TypeName(found), ", expected ", TypeName(expected)));
    }
    input = late_inputs[i];
  }
  STROP_RETURN_IF_ERROR(plan->EndStep(inputs, implementation_->step));
  ++implementation_->step.step;
  inputs.clear();
  return plan->outputs();
}

absl::Status Session::Prepare(absl::Span<const Tensor> inputs) {
  const TeamSize team(implementation_->options.threads);
  return implementation_->PlanFor(inputs).status();
}

void Session::set_seed(uint64_t seed) { implementation_->step.seed = seed; }
void Session::set_step(uint64_t step) { implementation_->step.step = step; }
uint64_t Session::step() const { return implementation_->step.step; }

std::string Session::DescribeOptimizedGraph() const {
  return implementation_->newest == nullptr ? ""
                                            : PrintGraph(implementation_->newest->plan().graph);
}

std::string Session::DescribePlan() const {
  return implementation_->newest == nullptr ? ""
                                            : strop::DescribePlan(implementation_->newest->plan());
}

size_t Session::arena_bytes() const {
  return implementation_->newest == nullptr ? 0 : implementation_->newest->plan().arena_bytes;
}

}  // namespace strop
