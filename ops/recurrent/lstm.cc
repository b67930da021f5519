// LSTM-22, one direction, gates in the order i, o, f, g (ONNX's c):
//
//   i = f(X·Wiᵀ + H·Riᵀ + Pi⊙C + bi)      H, C: the hidden and cell vectors of the step before
//   f = f(X·Wfᵀ + H·Rfᵀ + Pf⊙C + bf)      or 1 − i, with input_forget
//   g = g(X·Wgᵀ + H·Rgᵀ + bg)
//   C' = f⊙C + i⊙g
//   o = f(X·Woᵀ + H·Roᵀ + Po⊙C' + bo)
//   H' = o⊙h(C')
//
// X·Wᵀ is one product over all steps, and so are the weights' gradients. Forward saves the gates
// and the cells; a derivative follows from the activation's result. `clip` bounds the arguments of
// the gates' activations, not of h. Steps beyond a sample's length leave its state alone and give
// Y = 0.

#include "ops/recurrent/lstm.h"

#include "ops/core/family.h"
#include "ops/recurrent/recurrent_direction.h"

namespace strop {
namespace lstm {

absl::StatusOr<LstmPlan> LstmPlan::Of(const KernelRequest& request) {
  LstmPlan plan;
  plan.shape = RecurrentShapeOf(request, kGates);
  STROP_ASSIGN_OR_RETURN(plan.activations,
                         ParseCellActivations(request.node, {"Sigmoid", "Tanh", "Tanh"},
                                              static_cast<size_t>(plan.shape.directions)));
  // As ONNX Runtime does, the argument of h is not clipped.
  for (size_t i = 2; i < plan.activations.size(); i += 3) {
    plan.activations[i].clip = std::numeric_limits<double>::infinity();
  }
  plan.input_forget = request.node.attributes.Int("input_forget", 0) != 0;
  plan.label = NodeLabel(request.node);
  return plan;
}

namespace {

// ---- Type rules

absl::Status LstmTypes(ElementTypeContext& context) {
  return RecurrentTypes(context, kOnnxOutputs);
}

absl::Status LstmShape(ShapeContext& context) {
  STROP_RETURN_IF_ERROR(RecurrentForwardShape(context, kGates, kBiases));
  const int64_t hidden = context.input(kRecurrence)[2];
  context.set_output(kLastCell, StateShape(context));
  context.set_output(kSavedGates, SavedShape(context, kGates * hidden));
  context.set_output(kSavedCells, SavedShape(context, hidden));
  return absl::OkStatus();
}

// ---- Gradient rule

absl::Status EmitLstmGradient(GradientContext& context) {
  return EmitRecurrentGradient(
      context, kPeephole,
      {context.output(kY), context.output(kSavedGates), context.output(kSavedCells)}, kOnnxOutputs);
}

// ---- Kernels

// The cell's arithmetic on one sample at one step. `gates` holds the arguments on entry and the
// activated gates on return; `cell` the cell of the step before and then the new one.
template <typename T>
void LstmCell(const LstmPlan& plan, int64_t direction, const T* peephole, T* gates, T* cell, T* y) {
  const int64_t n = plan.shape.hidden;
  const CellActivation* activation = &plan.activations[static_cast<size_t>(3 * direction)];
  T* const input = gates;
  T* const output = gates + n;
  T* const forget = gates + 2 * n;
  T* const candidate = gates + 3 * n;
  if (peephole != nullptr) {
    for (int64_t u = 0; u < n; ++u) {
      input[u] += peephole[u] * cell[u];
      forget[u] += peephole[2 * n + u] * cell[u];
    }
  }
  Activate(activation[0], input, n);
  if (plan.input_forget) {
    for (int64_t u = 0; u < n; ++u) forget[u] = 1 - input[u];
  } else {
    Activate(activation[0], forget, n);
  }
  Activate(activation[1], candidate, n);
  for (int64_t u = 0; u < n; ++u) cell[u] = forget[u] * cell[u] + input[u] * candidate[u];
  if (peephole != nullptr) {
    for (int64_t u = 0; u < n; ++u) output[u] += peephole[n + u] * cell[u];
  }
  Activate(activation[0], output, n);
  std::copy_n(cell, n, y);
  Activate(activation[2], y, n);
  for (int64_t u = 0; u < n; ++u) y[u] *= output[u];
}

// Where one execution of LSTM keeps its numbers.
template <typename T>
struct LstmSpace {
  T* row = nullptr;
  T* packed_recurrence = nullptr;
  T* packed_hidden = nullptr;
  T* cell = nullptr;  // [batch, hidden]
  T* y = nullptr;     // where the node leaves the outputs out
  T* gates = nullptr;
  void* product = nullptr;

  LstmSpace(const RecurrentShape& shape, WorkspaceCursor& cursor)
      : row(cursor.Take<T>(shape.gate_columns())),
        packed_recurrence(
            cursor.Take<T>(PackedColumns<T>::Elements(shape.hidden, shape.gate_columns()))),
        packed_hidden(cursor.Take<T>(PackedRows<T>::Elements(shape.batch, shape.hidden))),
        cell(cursor.Take<T>(shape.batch * shape.hidden)),
        y(cursor.Take<T>(shape.directions * shape.rows() * shape.hidden)),
        gates(cursor.Take<T>(shape.rows() * shape.gate_columns())),
        product(cursor.Take<char>(static_cast<int64_t>(ContractionWorkspaceBytes<T>()))) {}
};

// One sample's part of a time step.
template <typename T>
void LstmSampleStep(const LstmPlan& plan, int64_t d, int64_t t, int64_t b, bool is_active,
                    const T* peephole, T* gates, T* saved_cells, T* y, T* cell,
                    const PackedRows<T>& hidden) {
  const RecurrentShape& shape = plan.shape;
  const int64_t n = shape.hidden;
  T* const y_row = y + shape.output(t, b, d);
  if (is_active) {
    LstmCell(plan, d, peephole, gates + shape.row(t, b) * shape.gate_columns(), cell + b * n,
             y_row);
    for (int64_t u = 0; u < n; ++u) hidden.at(b, u) = y_row[u];
  } else {
    std::fill_n(y_row, n, T{0});
  }
  if (saved_cells != nullptr) std::copy_n(cell + b * n, n, saved_cells + shape.row(t, b) * n);
}

template <typename T>
void LstmDirection(const LstmPlan& plan, int64_t d, const SequenceLengths& lengths,
                   const KernelArguments& arguments, const LstmSpace<T>& space) {
  const RecurrentShape& shape = plan.shape;
  const int64_t n = shape.hidden;
  const int64_t columns = shape.gate_columns();
  const T* const initial_cell = arguments.input<T>(kInitialCell);
  const T* const peepholes = arguments.input<T>(kPeephole);
  const T* const peephole = peepholes == nullptr ? nullptr : peepholes + d * 3 * n;
  T* const y = HiddenSequence(arguments, space.y);
  T* const saved_gates = arguments.output<T>(kSavedGates);
  T* const saved_cells = arguments.output<T>(kSavedCells);
  T* const gates = saved_gates == nullptr ? space.gates : saved_gates + d * shape.rows() * columns;
  T* const cells = saved_cells == nullptr ? nullptr : saved_cells + d * shape.rows() * n;

  StartGates(shape, d, arguments, kGates, space.row, gates, space.product);
  const PackedColumns<T> recurrence({arguments.input<T>(kRecurrence) + d * columns * n, 1, n}, n,
                                    columns, space.packed_recurrence);
  const PackedRows<T> hidden(space.packed_hidden, shape.batch, n);
  LoadHidden(shape, d, arguments, hidden);
  for (int64_t b = 0; b < shape.batch; ++b) {
    for (int64_t u = 0; u < n; ++u) {
      space.cell[b * n + u] = initial_cell == nullptr ? T{0} : initial_cell[shape.state(b, d) + u];
    }
  }
  for (int64_t step = 0; step < shape.steps; ++step) {
    const int64_t t = shape.is_reversed(d) ? shape.steps - 1 - step : step;
    recurrence.AddProduct(hidden,
                          {gates + shape.row(t, 0) * columns, shape.batch_stride() * columns, 1});
    ParallelFor(shape.batch, kTileRows, [&](int64_t begin, int64_t end) {
      for (int64_t b = begin; b < end; ++b) {
        LstmSampleStep(plan, d, t, b, lengths.is_active(t, b), peephole, gates, cells, y,
                       space.cell, hidden);
      }
    });
  }
  StoreHidden(shape, d, hidden, arguments.output<T>(kLastHidden));
  T* const last_cell = arguments.output<T>(kLastCell);
  for (int64_t b = 0; last_cell != nullptr && b < shape.batch; ++b) {
    std::copy_n(space.cell + b * n, n, last_cell + shape.state(b, d));
  }
}

template <typename T>
absl::StatusOr<std::unique_ptr<Kernel>> LstmForward(const KernelRequest& request) {
  STROP_ASSIGN_OR_RETURN(const LstmPlan plan, LstmPlan::Of(request));
  return DirectionsKernel<LstmSpace<T>>(
      plan, [](const auto&... direction) { LstmDirection<T>(direction...); });
}

absl::StatusOr<std::unique_ptr<Kernel>> LstmKernel(const KernelRequest& request) {
  return RecurrentKernel(request, LstmForward<float>, LstmForward<double>);
}

// ---- Definitions

std::vector<InputRole> LstmRoles() {
  std::vector<InputRole> roles = RecurrentRoles();
  roles.push_back({kInitialCell, "initial state", ConstantUse::kFrozen});
  roles.push_back({kPeephole, "peephole weight"});
  return roles;
}

OpDefinition Lstm() {
  return {.name = "LSTM",
          .since_version = 22,
          .minimum_inputs = 3,
          .maximum_inputs = 8,
          .minimum_outputs = 0,
          .maximum_outputs = kSavedCells + 1,
          .check_attributes = CheckRecurrentAttributes,
          .element_types = LstmTypes,
          .shapes = LstmShape,
          .differentiability = RecurrentDifferentiability(),
          .gradient = EmitLstmGradient,
          .kernels = {LstmKernel},
          .roles = LstmRoles(),
          .operations = RecurrentOperations,
          .unit_axes = RecurrentWeightUnits,
          .watch = OutputWatch(),
          .time_axis = RecurrentTimeAxis};
}

OpDefinition LstmGradient() {
  std::vector<InputUse> input_use(kLastCellGradient + 1, InputUse::kElements);
  input_use[kBias] = InputUse::kShapeOnly;
  return {.name = "LSTMGradient",
          .domain = kStropDomain,
          .minimum_inputs = 3,
          .maximum_inputs = kLastCellGradient + 1,
          .maximum_outputs = 7,
          .shapes = RecurrentGradientShape,
          .differentiability = {Differentiability::kNotImplemented},
          .kernels = {LstmGradientKernel},
          .input_use = std::move(input_use)};
}

}  // namespace
}  // namespace lstm

const RegisteredFamily kLstm = {"lstm", {lstm::Lstm(), lstm::LstmGradient()}};

}  // namespace strop
