// Backward through LSTM, from the last step of each direction to its first. At one step, with dH
// the cotangent of H' (from Y and from the step after) and dC that of C':
//
//   do = dH⊙h(C')⊙f'(o)               dC += dH⊙o⊙h'(C') + do⊙Po
//   di = dC⊙g⊙f'(i)                   di = dC⊙(g − C)⊙f'(i) with input_forget, and df = 0
//   df = dC⊙C⊙f'(f)                   dg = dC⊙i⊙g'(g)
//   dC of the step before = dC⊙f + di⊙Pi + df⊙Pf
//   dH of the step before = [di,do,df,dg]·R
//
// then dX, dW, dR, dB and dP are one product or sum each over all steps.

#include "ops/recurrent/lstm.h"
#include "ops/recurrent/recurrent_direction.h"

namespace strop::lstm {
namespace {

template <typename T>
struct GradientSpace {
  T* gates_gradient;   // [steps·batch, 4·hidden]
  T* previous_hidden;  // [steps·batch, hidden]
  T* packed_recurrence;
  T* packed_gradient;
  T* hidden_gradient;  // [batch, hidden]
  T* cell_gradient;    // [batch, hidden]
  T* activated;        // [batch, hidden], h(C')
  void* product;

  GradientSpace(const RecurrentShape& shape, WorkspaceCursor& cursor)
      : gates_gradient(cursor.Take<T>(shape.rows() * shape.gate_columns())),
        previous_hidden(cursor.Take<T>(shape.rows() * shape.hidden)),
        packed_recurrence(
            cursor.Take<T>(PackedColumns<T>::Elements(shape.gate_columns(), shape.hidden))),
        packed_gradient(cursor.Take<T>(PackedRows<T>::Elements(shape.batch, shape.gate_columns()))),
        hidden_gradient(cursor.Take<T>(shape.batch * shape.hidden)),
        cell_gradient(cursor.Take<T>(shape.batch * shape.hidden)),
        activated(cursor.Take<T>(shape.batch * shape.hidden)),
        product(cursor.Take<char>(static_cast<int64_t>(ContractionWorkspaceBytes<T>()))) {}
};

// One sample at one step: everything `hidden` long but the gates, which are four of these.
template <typename T>
struct CellStep {
  const T* gates;
  const T* cell;
  const T* previous_cell;  // null: zero
  const T* peephole;       // null: none
  const T* y_gradient;     // null: zero
  T* hidden_gradient;      // cotangent of H' from the step after; zeroed
  T* cell_gradient;        // of C', then of C
  T* activated;
  T* gates_gradient;
};

template <typename T>
class CellGradient {
 public:
  CellGradient(const LstmPlan& plan, int64_t direction)
      : hidden_(plan.shape.hidden),
        input_forget_(plan.input_forget),
        activation_(&plan.activations[static_cast<size_t>(3 * direction)]),
        gate_slope_(activation_[0]),
        candidate_slope_(activation_[1]),
        cell_slope_(activation_[2]) {}

  void operator()(const CellStep<T>& step) const {
    const int64_t n = hidden_;
    std::copy_n(step.cell, n, step.activated);
    Activate(activation_[2], step.activated, n);
    for (int64_t u = 0; u < n; ++u) {
      const T i = step.gates[u];
      const T o = step.gates[n + u];
      const T f = step.gates[2 * n + u];
      const T g = step.gates[3 * n + u];
      const T before = step.previous_cell == nullptr ? T{0} : step.previous_cell[u];
      const T dh =
          step.hidden_gradient[u] + (step.y_gradient == nullptr ? T{0} : step.y_gradient[u]);
      const T d_output = dh * step.activated[u] * gate_slope_(o);
      T dc = step.cell_gradient[u] + dh * o * cell_slope_(step.activated[u]);
      if (step.peephole != nullptr) dc += d_output * step.peephole[n + u];
      const T d_input = dc * (input_forget_ ? g - before : g) * gate_slope_(i);
      const T d_forget = input_forget_ ? T{0} : dc * before * gate_slope_(f);
      const T d_candidate = dc * i * candidate_slope_(g);
      T d_before = dc * f;
      if (step.peephole != nullptr) {
        d_before += d_input * step.peephole[u];
        // The peephole of a forget gate that is not computed has no part in it.
        d_before += d_forget * step.peephole[2 * n + u];
      }
      step.gates_gradient[u] = d_input;
      step.gates_gradient[n + u] = d_output;
      step.gates_gradient[2 * n + u] = d_forget;
      step.gates_gradient[3 * n + u] = d_candidate;
      step.cell_gradient[u] = d_before;
      step.hidden_gradient[u] = 0;
    }
  }

 private:
  int64_t hidden_;
  bool input_forget_;
  const CellActivation* activation_;
  ActivationSlope<T> gate_slope_;
  ActivationSlope<T> candidate_slope_;
  ActivationSlope<T> cell_slope_;
};

// What one direction reads and where it works.
template <typename T>
struct Direction {
  const LstmPlan& plan;
  int64_t d;
  const SequenceLengths& lengths;
  const KernelArguments& arguments;
  const GradientSpace<T>& space;

  const RecurrentShape& shape() const { return plan.shape; }
  const T* saved(size_t input, int64_t columns) const {
    return arguments.input<T>(input) + d * shape().rows() * columns;
  }
  const T* peephole() const {
    const T* all = arguments.input<T>(kPeephole);
    return all == nullptr ? nullptr : all + d * 3 * shape().hidden;
  }
  // The cell before (t, b); null when that is zero.
  const T* CellBefore(int64_t t, int64_t b) const {
    const int64_t before = lengths.previous(t, b, shape().is_reversed(d));
    if (before >= 0) {
      return saved(kCellValues, shape().hidden) + shape().row(before, b) * shape().hidden;
    }
    const T* initial = arguments.input<T>(kInitialCell);
    return initial == nullptr ? nullptr : initial + shape().state(b, d);
  }
};

template <typename T>
void BackwardThroughTime(const Direction<T>& direction) {
  const RecurrentShape& shape = direction.shape();
  const GradientSpace<T>& space = direction.space;
  const int64_t d = direction.d;
  const int64_t n = shape.hidden;
  const int64_t columns = shape.gate_columns();
  const T* const gates = direction.saved(kGateValues, columns);
  const T* const cells = direction.saved(kCellValues, n);
  const T* const y_gradient = direction.arguments.template input<T>(kYGradient);
  const T* const last_hidden = direction.arguments.template input<T>(kLastHiddenGradient);
  const T* const last_cell = direction.arguments.template input<T>(kLastCellGradient);
  for (int64_t b = 0; b < shape.batch; ++b) {
    for (int64_t u = 0; u < n; ++u) {
      const int64_t at = shape.state(b, d) + u;
      space.hidden_gradient[b * n + u] = last_hidden == nullptr ? T{0} : last_hidden[at];
      space.cell_gradient[b * n + u] = last_cell == nullptr ? T{0} : last_cell[at];
    }
  }
  const PackedColumns<T> recurrence(
      {direction.arguments.template input<T>(kRecurrence) + d * columns * n, n, 1}, columns, n,
      space.packed_recurrence);
  const PackedRows<T> packed(space.packed_gradient, shape.batch, columns);
  packed.Clear();
  const CellGradient<T> differentiate(direction.plan, d);
  for (int64_t step = shape.steps; step-- > 0;) {
    const int64_t t = shape.is_reversed(d) ? shape.steps - 1 - step : step;
    ParallelFor(shape.batch, kTileRows, [&](int64_t begin, int64_t end) {
      for (int64_t b = begin; b < end; ++b) {
        T* const gates_gradient = space.gates_gradient + shape.row(t, b) * columns;
        if (direction.lengths.is_active(t, b)) {
          differentiate(
              {.gates = gates + shape.row(t, b) * columns,
               .cell = cells + shape.row(t, b) * n,
               .previous_cell = direction.CellBefore(t, b),
               .peephole = direction.peephole(),
               .y_gradient = y_gradient == nullptr ? nullptr : y_gradient + shape.output(t, b, d),
               .hidden_gradient = space.hidden_gradient + b * n,
               .cell_gradient = space.cell_gradient + b * n,
               .activated = space.activated + b * n,
               .gates_gradient = gates_gradient});
        } else {
          std::fill_n(gates_gradient, columns, T{0});
        }
        for (int64_t j = 0; j < columns; ++j) packed.at(b, j) = gates_gradient[j];
      }
    });
    recurrence.AddProduct(packed, {space.hidden_gradient, n, 1});
  }
}

// dP = Σ over steps and samples, each unit on its own.
template <typename T>
void PeepholeGradient(const Direction<T>& direction, T* gradient) {
  const RecurrentShape& shape = direction.shape();
  const int64_t n = shape.hidden;
  const T* const cells = direction.saved(kCellValues, n);
  constexpr int64_t kGrain = 16;
  ParallelFor(n, kGrain, [&](int64_t begin, int64_t end) {
    for (const int64_t gate : {0, 1, 2})
      std::fill(gradient + gate * n + begin, gradient + gate * n + end, T{0});
    for (int64_t t = 0; t < shape.steps; ++t) {
      for (int64_t b = 0; b < shape.batch; ++b) {
        if (!direction.lengths.is_active(t, b)) continue;
        const T* const cell = cells + shape.row(t, b) * n;
        const T* const before = direction.CellBefore(t, b);
        const T* const gates = direction.space.gates_gradient + shape.row(t, b) * 4 * n;
        for (int64_t u = begin; u < end; ++u) {
          gradient[n + u] += gates[n + u] * cell[u];
          if (before == nullptr) continue;
          gradient[u] += gates[u] * before[u];
          gradient[2 * n + u] += gates[2 * n + u] * before[u];
        }
      }
    }
  });
}

template <typename T>
void StoreGradients(const Direction<T>& direction) {
  const RecurrentShape& shape = direction.shape();
  const GradientSpace<T>& space = direction.space;
  const KernelArguments& arguments = direction.arguments;
  const int64_t d = direction.d;
  const int64_t n = shape.hidden;
  const int64_t columns = shape.gate_columns();
  if (T* dx = arguments.output<T>(0); dx != nullptr) {
    SequenceProduct<T>(shape.rows(), shape.inputs, columns, space.gates_gradient,
                       {arguments.input<T>(kWeight) + d * columns * shape.inputs, shape.inputs, 1},
                       dx, d > 0, space.product);
  }
  if (T* dw = arguments.output<T>(1); dw != nullptr) {
    WeightGradient<T>(columns, shape.inputs, shape.rows(), space.gates_gradient, columns,
                      arguments.input<T>(kSequence), shape.inputs, dw + d * columns * shape.inputs,
                      space.product);
  }
  if (T* dr = arguments.output<T>(2); dr != nullptr) {
    GatherPreviousHidden(shape, direction.lengths, d, arguments.input<T>(kHiddenSequence),
                         arguments.input<T>(kInitialHidden), space.previous_hidden);
    WeightGradient<T>(columns, n, shape.rows(), space.gates_gradient, columns,
                      space.previous_hidden, n, dr + d * columns * n, space.product);
  }
  if (T* db = arguments.output<T>(3); db != nullptr) {
    db += d * 2 * columns;
    ColumnSums(space.gates_gradient, shape.rows(), columns, db);
    std::copy_n(db, columns, db + columns);
  }
  T* const initial_hidden = arguments.output<T>(4);
  T* const initial_cell = arguments.output<T>(5);
  for (int64_t b = 0; b < shape.batch; ++b) {
    const int64_t at = shape.state(b, d);
    if (initial_hidden != nullptr) {
      std::copy_n(space.hidden_gradient + b * n, n, initial_hidden + at);
    }
    if (initial_cell != nullptr) std::copy_n(space.cell_gradient + b * n, n, initial_cell + at);
  }
  if (T* dp = arguments.output<T>(6); dp != nullptr) PeepholeGradient(direction, dp + d * 3 * n);
}

template <typename T>
absl::StatusOr<std::unique_ptr<Kernel>> Gradient(const KernelRequest& request) {
  STROP_ASSIGN_OR_RETURN(const LstmPlan plan, LstmPlan::Of(request));
  return DirectionsKernel<GradientSpace<T>>(plan, [](const auto&... parts) {
    const Direction<T> direction = {parts...};
    BackwardThroughTime(direction);
    StoreGradients(direction);
  });
}

}  // namespace

absl::StatusOr<std::unique_ptr<Kernel>> LstmGradientKernel(const KernelRequest& request) {
  return RecurrentKernel(request, Gradient<float>, Gradient<double>);
}

}  // namespace strop::lstm
