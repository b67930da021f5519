#pragma once

#include <memory>

#include "ops/recurrent/recurrent.h"

namespace strop {

// What RNN, GRU and LSTM do alike with each direction `d` of a sequence.

// A kernel that calls run(plan, d, lengths, arguments, space) for every direction. Plan has the
// RecurrentShape `shape` and the node's `label`; Space(shape, cursor) lays out the workspace.
template <typename Space, typename Plan, typename Run>
std::unique_ptr<Kernel> DirectionsKernel(const Plan& plan, const Run& run) {
  WorkspaceCursor counter(nullptr);
  Space(plan.shape, counter);
  return MakeKernel(
      [plan, run](const KernelArguments& arguments) -> absl::Status {
        const SequenceLengths lengths(arguments.input<int32_t>(kSequenceLengths), plan.shape);
        STROP_RETURN_IF_ERROR(lengths.Check(plan.shape.batch, plan.label));
        WorkspaceCursor cursor(arguments.workspace);
        const Space space(plan.shape, cursor);
        for (int64_t d = 0; d < plan.shape.directions; ++d) {
          run(plan, d, lengths, arguments, space);
        }
        return absl::OkStatus();
      },
      counter.bytes());
}

// The direction's Wb and Rb, [gates, hidden] each; null where the node has none.
template <typename T>
const T* DirectionBias(const RecurrentShape& shape, int64_t d, const KernelArguments& arguments) {
  const T* const bias = arguments.input<T>(kBias);
  return bias == nullptr ? nullptr : bias + d * 2 * shape.gate_columns();
}

// The gates' arguments but for the hidden state's part, [steps·batch, gates·hidden]:
// X·Wᵀ + Wb + Rb, Rb of the first `recurrent_gates` only. `row` holds one row of them, `product`
// what SequenceProduct works in.
template <typename T>
void StartGates(const RecurrentShape& shape, int64_t d, const KernelArguments& arguments,
                int64_t recurrent_gates, T* row, T* gates, void* product) {
  const int64_t columns = shape.gate_columns();
  FillGates(DirectionBias<T>(shape, d, arguments), recurrent_gates, shape, row, gates);
  SequenceProduct<T>(shape.rows(), columns, shape.inputs, arguments.input<T>(kSequence),
                     {arguments.input<T>(kWeight) + d * columns * shape.inputs, 1, shape.inputs},
                     gates, true, product);
}

// The hidden state before the first step, zero where the node gives none.
template <typename T>
void LoadHidden(const RecurrentShape& shape, int64_t d, const KernelArguments& arguments,
                const PackedRows<T>& hidden) {
  const T* const initial = arguments.input<T>(kInitialHidden);
  hidden.Clear();
  for (int64_t b = 0; initial != nullptr && b < shape.batch; ++b) {
    for (int64_t u = 0; u < shape.hidden; ++u) {
      hidden.at(b, u) = initial[shape.state(b, d) + u];
    }
  }
}

// The hidden state after the last step into Y_h, where that is asked for.
template <typename T>
void StoreHidden(const RecurrentShape& shape, int64_t d, const PackedRows<T>& hidden, T* last) {
  for (int64_t b = 0; last != nullptr && b < shape.batch; ++b) {
    for (int64_t u = 0; u < shape.hidden; ++u) last[shape.state(b, d) + u] = hidden.at(b, u);
  }
}

// Y, or `space` where the node leaves it out.
template <typename T>
T* HiddenSequence(const KernelArguments& arguments, T* space) {
  T* const y = arguments.output<T>(0);
  return y == nullptr ? space : y;
}

}  // namespace strop
