#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "graph/graph.h"

namespace strop {

// What is the same for all kernels of one step.
struct StepState {
  uint64_t seed = 0;  // of the run
  uint64_t step = 0;  // counts from 0
};

// Buffers of one execution. They are in the layouts that the kernel asked for; absent inputs and
// outputs are null. Inputs that the definition calls shape-only are null too.
struct KernelArguments {
  absl::Span<const void* const> inputs;
  absl::Span<void* const> outputs;
  void* workspace = nullptr;  // Kernel::workspace_bytes, aligned to 64 bytes, contents undefined
  StepState step;

  template <typename T>
  const T* input(size_t index) const {
    return index < inputs.size() ? static_cast<const T*>(inputs[index]) : nullptr;
  }
  template <typename T>
  T* output(size_t index) const {
    return index < outputs.size() ? static_cast<T*>(outputs[index]) : nullptr;
  }
};

// A value as a kernel sees it when it is created: everything but the elements is known.
struct TensorDescription {
  DataType type = DataType::kUndefined;
  Shape shape;
  Layout layout;                     // of an input: how its producer leaves it
  const Tensor* constant = nullptr;  // of an input: its elements where they are known already
  bool is_state = false;             // of an input: lives across steps, so any layout costs nothing
  bool is_present = false;

  int64_t rank() const { return static_cast<int64_t>(shape.size()); }
  int64_t element_count() const { return ElementCount(shape); }
};

// What a kernel factory is given. `inputs` and `outputs` are as long as the node's.
struct KernelRequest {
  const Node& node;
  absl::Span<const TensorDescription> inputs;
  absl::Span<const TensorDescription> outputs;

  bool has_input(size_t index) const { return index < inputs.size() && inputs[index].is_present; }
  bool has_output(size_t index) const {
    return index < outputs.size() && outputs[index].is_present;
  }
};

// A node made ready to run for fixed shapes. Created once a plan, run at every step.
// `run` allocates nothing, creates no primitive, and fails only on what data contains
// (an index out of range).
struct Kernel {
  std::function<absl::Status(const KernelArguments&)> run;
  size_t workspace_bytes = 0;
  // The layouts that `run` reads and writes; shorter than the node's lists means dense for the
  // rest. The planner inserts the reorders.
  std::vector<Layout> input_layouts;
  std::vector<Layout> output_layouts;
  std::string implementation;  // for people: "generic", "onednn jit:avx512_core"
};

// Creates the kernel, or answers nullptr when this implementation does not serve the request.
using KernelFactory = absl::StatusOr<std::unique_ptr<Kernel>> (*)(const KernelRequest& request);

// Kernel with dense operands and no workspace.
std::unique_ptr<Kernel> MakeKernel(std::function<absl::Status(const KernelArguments&)> run,
                                   size_t workspace_bytes = 0);

}  // namespace strop
