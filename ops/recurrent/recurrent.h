#pragma once

#include <omp.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "graph/status_macros.h"
#include "ops/core/op_definition.h"
#include "ops/kernels/workspace.h"
#include "ops/recurrent/recurrent_activation.h"
#include "ops/recurrent/recurrent_product.h"

namespace strop {

// What RNN, GRU and LSTM share: the sequence's shape and strides, masks, and the inputs' numbers.

// Inputs by number, the same in all three.
enum RecurrentInput : size_t {
  kSequence,
  kWeight,
  kRecurrence,
  kBias,
  kSequenceLengths,
  kInitialHidden,
  kInitialCell,
  kPeephole,
};

// What OpDefinition says of all three. X[T,N,I] goes through W[D,·,I] and R[D,·,H]: two products a
// time step and direction.
double RecurrentOperations(const Graph& graph, const Node& node);
Shape RecurrentWeightUnits(const Node& node, size_t input, size_t rank);
size_t RecurrentTimeAxis(const Node& node);
// Weight, recurrence weight, bias and initial hidden state.
std::vector<InputRole> RecurrentRoles();

struct RecurrentShape {
  int64_t steps = 0;
  int64_t batch = 0;
  int64_t inputs = 0;
  int64_t hidden = 0;
  int64_t directions = 1;
  int64_t gates = 1;            // in the weights, of `hidden` rows each
  bool is_batch_first = false;  // layout 1
  bool starts_reversed = false;

  // Direction `d` runs from the last step to the first.
  bool is_reversed(int64_t d) const { return d == 1 || starts_reversed; }
  int64_t rows() const { return steps * batch; }
  int64_t gate_columns() const { return gates * hidden; }

  // Of (t, b) in X and in what is saved for backward, whose rows stand as X's do.
  int64_t row(int64_t t, int64_t b) const { return is_batch_first ? b * steps + t : t * batch + b; }
  // Between the batch's rows at one step.
  int64_t batch_stride() const { return is_batch_first ? steps : 1; }

  // First element of a hidden vector in Y, and in Y_h, Y_c and the initial states.
  int64_t output(int64_t t, int64_t b, int64_t d) const {
    const int64_t vector =
        is_batch_first ? (b * steps + t) * directions + d : (t * directions + d) * batch + b;
    return vector * hidden;
  }
  int64_t state(int64_t b, int64_t d) const {
    return (is_batch_first ? b * directions + d : d * batch + b) * hidden;
  }
};

RecurrentShape RecurrentShapeOf(const KernelRequest& request, int64_t gates);

// How many steps of each sample count.
class SequenceLengths {
 public:
  SequenceLengths(const int32_t* lengths, const RecurrentShape& shape)
      : lengths_(lengths), steps_(shape.steps) {}

  // Refuses lengths outside [0, steps].
  absl::Status Check(int64_t batch, const std::string& label) const;

  int64_t of(int64_t b) const { return lengths_ == nullptr ? steps_ : lengths_[b]; }
  bool is_active(int64_t t, int64_t b) const { return t < of(b); }
  // The step before t in the direction's order, -1 when that is the initial state.
  int64_t previous(int64_t t, int64_t b, bool is_reversed) const {
    if (is_reversed) return t + 1 < of(b) ? t + 1 : -1;
    return t - 1;
  }

 private:
  const int32_t* lengths_;
  int64_t steps_;
};

// Type rules. `gates` is the number of gates in W. The saved outputs of the forward ops and the
// gradients' inputs are theirs to set.
absl::Status RecurrentTypes(ElementTypeContext& context, size_t onnx_outputs);
absl::Status RecurrentForwardShape(ShapeContext& context, int64_t gates, int64_t biases);
// Of Y_h, Y_c and the initial states.
Shape StateShape(const ShapeContext& context);
// [directions, steps·batch, columns]
Shape SavedShape(const ShapeContext& context, int64_t columns);

// Of the gradients' outputs: dX, dW, dR, dB and what follows, in the forward op's own order, without
// sequence_lens.
absl::Status RecurrentGradientShape(ShapeContext& context);

// Emits strop.<op>Gradient(inputs of the op up to `last_input`, `saved`…, the gradients of its ONNX
// outputs) and hands its outputs to the op's inputs.
absl::Status EmitRecurrentGradient(GradientContext& context, size_t last_input,
                                   const std::vector<ValueId>& saved, size_t onnx_outputs);

// Everything but sequence_lens.
std::vector<Differentiability> RecurrentDifferentiability();

absl::Status CheckRecurrentAttributes(const Node& node);

// Makes the kernel for float or double; half types run in float through copies of their tensors.
using RecurrentFactory = absl::StatusOr<std::unique_ptr<Kernel>> (*)(const KernelRequest& request);
absl::StatusOr<std::unique_ptr<Kernel>> RecurrentKernel(const KernelRequest& request,
                                                        RecurrentFactory in_float,
                                                        RecurrentFactory in_double);

// Hands out parts of a workspace, each aligned to 64 bytes. Counted first with a null base, then
// laid out the same way at run.
class WorkspaceCursor {
 public:
  explicit WorkspaceCursor(void* base) : base_(static_cast<char*>(base)) {}

  template <typename T>
  T* Take(int64_t count) {
    char* const at = base_ == nullptr ? nullptr : base_ + bytes_;
    bytes_ += AlignedBytes(static_cast<size_t>(count) * sizeof(T));
    return reinterpret_cast<T*>(at);
  }
  size_t bytes() const { return bytes_; }

 private:
  char* base_;
  size_t bytes_ = 0;
};

// Gates before the first step: each row is Wb + Rb (of the gates whose recurrent bias is added
// outside the cell), or zero.
template <typename T>
void FillGates(const T* bias, int64_t recurrent_gates, const RecurrentShape& shape, T* row_values,
               T* gates) {
  const int64_t columns = shape.gate_columns();
  for (int64_t j = 0; j < columns; ++j) {
    const bool adds_recurrent = j < recurrent_gates * shape.hidden;
    row_values[j] = bias == nullptr ? T{0} : bias[j] + (adds_recurrent ? bias[columns + j] : T{0});
  }
  ParallelFor(shape.rows(), 16, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      std::copy(row_values, row_values + columns, gates + i * columns);
    }
  });
}

// The hidden vectors before each step, [steps·batch, hidden], zero where a step does not count.
template <typename T>
void GatherPreviousHidden(const RecurrentShape& shape, const SequenceLengths& lengths,
                          int64_t direction, const T* y, const T* initial, T* previous) {
  ParallelFor(shape.batch, 1, [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b) {
      for (int64_t t = 0; t < shape.steps; ++t) {
        T* to = previous + shape.row(t, b) * shape.hidden;
        const int64_t before = lengths.previous(t, b, shape.is_reversed(direction));
        const T* from = nullptr;
        if (lengths.is_active(t, b)) {
          if (before >= 0) {
            from = y + shape.output(before, b, direction);
          } else if (initial != nullptr) {
            from = initial + shape.state(b, direction);
          }
        }
        if (from == nullptr) {
          std::fill_n(to, shape.hidden, T{0});
        } else {
          std::copy_n(from, shape.hidden, to);
        }
      }
    }
  });
}

}  // namespace strop
