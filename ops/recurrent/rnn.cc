// RNN-22, one direction, H the hidden vector of the step before:
//
//   H' = f(X·Wᵀ + H·Rᵀ + Wb + Rb)
//   da = dH'⊙f'(H'),  dH = da·R;  dX, dW, dR and dB are one product or sum over all steps
//
// Steps beyond a sample's length leave its state alone and give Y = 0.

#include "ops/core/family.h"
#include "ops/recurrent/recurrent.h"
#include "ops/recurrent/recurrent_direction.h"

namespace strop {
namespace {

constexpr size_t kOnnxOutputs = 2;

enum Output : size_t { kY, kLastHidden };

// Inputs of RNNGradient behind those of RNN.
enum GradientInput : size_t { kHiddenSequence = 6, kYGradient, kLastHiddenGradient };

// ---- Type rules

absl::Status RnnTypes(ElementTypeContext& context) { return RecurrentTypes(context, kOnnxOutputs); }

absl::Status RnnShape(ShapeContext& context) { return RecurrentForwardShape(context, 1, 2); }

// ---- Gradient rule

absl::Status EmitRnnGradient(GradientContext& context) {
  return EmitRecurrentGradient(context, kInitialHidden, {context.output(kY)}, kOnnxOutputs);
}

// ---- Kernels

struct RnnPlan {
  RecurrentShape shape;
  std::vector<CellActivation> activations;  // one per direction
  std::string label;

  static absl::StatusOr<RnnPlan> Of(const KernelRequest& request) {
    RnnPlan plan;
    plan.shape = RecurrentShapeOf(request, 1);
    STROP_ASSIGN_OR_RETURN(
        plan.activations,
        ParseCellActivations(request.node, {"Tanh"}, static_cast<size_t>(plan.shape.directions)));
    plan.label = NodeLabel(request.node);
    return plan;
  }
};

template <typename T>
struct RnnSpace {
  T* row;
  T* packed_recurrence;
  T* packed_rows;      // the hidden vectors, or their gradients
  T* sequence;         // [steps·batch, hidden]: arguments of f, or their gradients
  T* y;                // where the node leaves the output out
  T* previous_hidden;  // [steps·batch, hidden]
  T* hidden_gradient;  // [batch, hidden]
  void* product;

  RnnSpace(const RecurrentShape& shape, WorkspaceCursor& cursor)
      : row(cursor.Take<T>(shape.hidden)),
        packed_recurrence(cursor.Take<T>(PackedColumns<T>::Elements(shape.hidden, shape.hidden))),
        packed_rows(cursor.Take<T>(PackedRows<T>::Elements(shape.batch, shape.hidden))),
        sequence(cursor.Take<T>(shape.rows() * shape.hidden)),
        y(cursor.Take<T>(shape.directions * shape.rows() * shape.hidden)),
        previous_hidden(cursor.Take<T>(shape.rows() * shape.hidden)),
        hidden_gradient(cursor.Take<T>(shape.batch * shape.hidden)),
        product(cursor.Take<char>(static_cast<int64_t>(ContractionWorkspaceBytes<T>()))) {}
};

template <typename T>
void ForwardDirection(const RnnPlan& plan, int64_t d, const SequenceLengths& lengths,
                      const KernelArguments& arguments, const RnnSpace<T>& space) {
  const RecurrentShape& shape = plan.shape;
  const int64_t n = shape.hidden;
  const CellActivation& activation = plan.activations[static_cast<size_t>(d)];
  T* const y = HiddenSequence(arguments, space.y);
  StartGates(shape, d, arguments, 1, space.row, space.sequence, space.product);
  const PackedColumns<T> recurrence({arguments.input<T>(kRecurrence) + d * n * n, 1, n}, n, n,
                                    space.packed_recurrence);
  const PackedRows<T> hidden(space.packed_rows, shape.batch, n);
  LoadHidden(shape, d, arguments, hidden);
  for (int64_t step = 0; step < shape.steps; ++step) {
    const int64_t t = shape.is_reversed(d) ? shape.steps - 1 - step : step;
    recurrence.AddProduct(hidden,
                          {space.sequence + shape.row(t, 0) * n, shape.batch_stride() * n, 1});
    ParallelFor(shape.batch, kTileRows, [&](int64_t begin, int64_t end) {
      for (int64_t b = begin; b < end; ++b) {
        T* const y_row = y + shape.output(t, b, d);
        if (!lengths.is_active(t, b)) {
          std::fill_n(y_row, n, T{0});
          continue;
        }
        std::copy_n(space.sequence + shape.row(t, b) * n, n, y_row);
        Activate(activation, y_row, n);
        for (int64_t u = 0; u < n; ++u) hidden.at(b, u) = y_row[u];
      }
    });
  }
  StoreHidden(shape, d, hidden, arguments.output<T>(kLastHidden));
}

// Fills space.sequence with da and space.hidden_gradient with dinitial_h.
template <typename T>
void BackwardThroughTime(const RnnPlan& plan, int64_t d, const SequenceLengths& lengths,
                         const KernelArguments& arguments, const RnnSpace<T>& space) {
  const RecurrentShape& shape = plan.shape;
  const int64_t n = shape.hidden;
  const ActivationSlope<T> slope(plan.activations[static_cast<size_t>(d)]);
  const T* const y = arguments.input<T>(kHiddenSequence);
  const T* const y_gradient = arguments.input<T>(kYGradient);
  const T* const last = arguments.input<T>(kLastHiddenGradient);
  for (int64_t b = 0; b < shape.batch; ++b) {
    for (int64_t u = 0; u < n; ++u) {
      space.hidden_gradient[b * n + u] = last == nullptr ? T{0} : last[shape.state(b, d) + u];
    }
  }
  const PackedColumns<T> recurrence({arguments.input<T>(kRecurrence) + d * n * n, n, 1}, n, n,
                                    space.packed_recurrence);
  const PackedRows<T> packed(space.packed_rows, shape.batch, n);
  packed.Clear();
  for (int64_t step = shape.steps; step-- > 0;) {
    const int64_t t = shape.is_reversed(d) ? shape.steps - 1 - step : step;
    ParallelFor(shape.batch, kTileRows, [&](int64_t begin, int64_t end) {
      for (int64_t b = begin; b < end; ++b) {
        const bool is_active = lengths.is_active(t, b);
        T* const gradient = space.sequence + shape.row(t, b) * n;
        T* const dh = space.hidden_gradient + b * n;
        const int64_t at = shape.output(t, b, d);
        for (int64_t u = 0; u < n; ++u) {
          gradient[u] = 0;
          if (is_active) {
            gradient[u] =
                (dh[u] + (y_gradient == nullptr ? T{0} : y_gradient[at + u])) * slope(y[at + u]);
            dh[u] = 0;
          }
          packed.at(b, u) = gradient[u];
        }
      }
    });
    recurrence.AddProduct(packed, {space.hidden_gradient, n, 1});
  }
}

template <typename T>
void StoreGradients(const RnnPlan& plan, int64_t d, const SequenceLengths& lengths,
                    const KernelArguments& arguments, const RnnSpace<T>& space) {
  const RecurrentShape& shape = plan.shape;
  const int64_t n = shape.hidden;
  const int64_t inputs = shape.inputs;
  if (T* dx = arguments.output<T>(0); dx != nullptr) {
    SequenceProduct<T>(shape.rows(), inputs, n, space.sequence,
                       {arguments.input<T>(kWeight) + d * n * inputs, inputs, 1}, dx, d > 0,
                       space.product);
  }
  if (T* dw = arguments.output<T>(1); dw != nullptr) {
    WeightGradient<T>(n, inputs, shape.rows(), space.sequence, n, arguments.input<T>(kSequence),
                      inputs, dw + d * n * inputs, space.product);
  }
  if (T* dr = arguments.output<T>(2); dr != nullptr) {
    GatherPreviousHidden(shape, lengths, d, arguments.input<T>(kHiddenSequence),
                         arguments.input<T>(kInitialHidden), space.previous_hidden);
    WeightGradient<T>(n, n, shape.rows(), space.sequence, n, space.previous_hidden, n,
                      dr + d * n * n, space.product);
  }
  if (T* db = arguments.output<T>(3); db != nullptr) {
    db += d * 2 * n;
    ColumnSums(space.sequence, shape.rows(), n, db);
    std::copy_n(db, n, db + n);
  }
  T* const initial = arguments.output<T>(4);
  for (int64_t b = 0; initial != nullptr && b < shape.batch; ++b) {
    std::copy_n(space.hidden_gradient + b * n, n, initial + shape.state(b, d));
  }
}

template <typename T, bool kIsBackward>
absl::StatusOr<std::unique_ptr<Kernel>> MakeRnnKernel(const KernelRequest& request) {
  STROP_ASSIGN_OR_RETURN(const RnnPlan plan, RnnPlan::Of(request));
  return DirectionsKernel<RnnSpace<T>>(plan, [](const auto&... direction) {
    if (kIsBackward) {
      BackwardThroughTime<T>(direction...);
      StoreGradients<T>(direction...);
    } else {
      ForwardDirection<T>(direction...);
    }
  });
}

template <bool kIsBackward>
absl::StatusOr<std::unique_ptr<Kernel>> RnnKernel(const KernelRequest& request) {
  return RecurrentKernel(request, MakeRnnKernel<float, kIsBackward>,
                         MakeRnnKernel<double, kIsBackward>);
}

// ---- Definitions

OpDefinition Rnn() {
  return {.name = "RNN",
          .since_version = 22,
          .minimum_inputs = 3,
          .maximum_inputs = 6,
          .minimum_outputs = 0,
          .maximum_outputs = 2,
          .check_attributes = CheckRecurrentAttributes,
          .element_types = RnnTypes,
          .shapes = RnnShape,
          .differentiability = RecurrentDifferentiability(),
          .gradient = EmitRnnGradient,
          .kernels = {RnnKernel<false>},
          .roles = RecurrentRoles(),
          .operations = RecurrentOperations,
          .unit_axes = RecurrentWeightUnits,
          .watch = OutputWatch(),
          .time_axis = RecurrentTimeAxis};
}

OpDefinition RnnGradient() {
  std::vector<InputUse> input_use(kLastHiddenGradient + 1, InputUse::kElements);
  input_use[kBias] = InputUse::kShapeOnly;
  return {.name = "RNNGradient",
          .domain = kStropDomain,
          .minimum_inputs = 3,
          .maximum_inputs = kLastHiddenGradient + 1,
          .maximum_outputs = 5,
          .shapes = RecurrentGradientShape,
          .differentiability = {Differentiability::kNotImplemented},
          .kernels = {RnnKernel<true>},
          .input_use = std::move(input_use)};
}

}  // namespace

const RegisteredFamily kRnn = {"rnn", {Rnn(), RnnGradient()}};

}  // namespace strop
