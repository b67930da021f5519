// GRU-22, one direction, gates in the order z, r, n (ONNX's h), H the hidden vector of the step
// before:
//
//   z = f(X·Wzᵀ + H·Rzᵀ + bz)
//   r = f(X·Wrᵀ + H·Rrᵀ + br)
//   n = g(X·Wnᵀ + Wbn + (r⊙H)·Rnᵀ + Rbn)          linear_before_reset = 0
//   n = g(X·Wnᵀ + Wbn + r⊙(H·Rnᵀ + Rbn))          linear_before_reset ≠ 0
//   H' = (1 − z)⊙n + z⊙H
//
// X·Wᵀ is one product over all steps, and so are the weights' gradients. Forward saves the gates
// and, with linear_before_reset, H·Rnᵀ + Rbn. Steps beyond a sample's length leave its state alone
// and give Y = 0.

#include "ops/recurrent/gru.h"

#include "ops/core/family.h"
#include "ops/recurrent/recurrent_direction.h"

namespace strop {
namespace gru {

absl::StatusOr<GruPlan> GruPlan::Of(const KernelRequest& request) {
  GruPlan plan;
  plan.shape = RecurrentShapeOf(request, kGates);
  STROP_ASSIGN_OR_RETURN(plan.activations,
                         ParseCellActivations(request.node, {"Sigmoid", "Tanh"},
                                              static_cast<size_t>(plan.shape.directions)));
  plan.linear_before_reset = request.node.attributes.Int("linear_before_reset", 0) != 0;
  plan.label = NodeLabel(request.node);
  return plan;
}

namespace {

// ---- Type rules

absl::Status GruTypes(ElementTypeContext& context) { return RecurrentTypes(context, kOnnxOutputs); }

absl::Status GruShape(ShapeContext& context) {
  STROP_RETURN_IF_ERROR(RecurrentForwardShape(context, kGates, kBiases));
  const int64_t hidden = context.input(kRecurrence)[2];
  context.set_output(kSavedGates, SavedShape(context, kGates * hidden));
  context.set_output(kSavedRecurrent, SavedShape(context, hidden));
  return absl::OkStatus();
}

// ---- Gradient rule

absl::Status EmitGruGradient(GradientContext& context) {
  const bool has_recurrent = context.node().attributes.Int("linear_before_reset", 0) != 0;
  return EmitRecurrentGradient(context, kInitialHidden,
                               {context.output(kY), context.output(kSavedGates),
                                has_recurrent ? context.output(kSavedRecurrent) : kNoValue},
                               kOnnxOutputs);
}

// ---- Kernels

// Where one execution of GRU keeps its numbers.
template <typename T>
struct GruSpace {
  T* row;
  T* packed_gates;      // Rz and Rr
  T* packed_candidate;  // Rn
  T* packed_hidden;
  T* packed_reset;  // r⊙H
  T* y;             // where the node leaves the outputs out
  T* gates;
  T* recurrent;
  void* product;

  GruSpace(const RecurrentShape& shape, WorkspaceCursor& cursor)
      : row(cursor.Take<T>(shape.gate_columns())),
        packed_gates(cursor.Take<T>(PackedColumns<T>::Elements(shape.hidden, 2 * shape.hidden))),
        packed_candidate(cursor.Take<T>(PackedColumns<T>::Elements(shape.hidden, shape.hidden))),
        packed_hidden(cursor.Take<T>(PackedRows<T>::Elements(shape.batch, shape.hidden))),
        packed_reset(cursor.Take<T>(PackedRows<T>::Elements(shape.batch, shape.hidden))),
        y(cursor.Take<T>(shape.directions * shape.rows() * shape.hidden)),
        gates(cursor.Take<T>(shape.rows() * shape.gate_columns())),
        recurrent(cursor.Take<T>(shape.rows() * shape.hidden)),
        product(cursor.Take<char>(static_cast<int64_t>(ContractionWorkspaceBytes<T>()))) {}
};

// Runs one direction, step by step.
template <typename T>
class GruDirection {
 public:
  GruDirection(const GruPlan& plan, int64_t d, const SequenceLengths& lengths,
               const KernelArguments& arguments, const GruSpace<T>& space)
      : plan_(plan),
        shape_(plan.shape),
        d_(d),
        n_(plan.shape.hidden),
        lengths_(lengths),
        arguments_(arguments),
        space_(space),
        activation_(&plan.activations[static_cast<size_t>(2 * d)]),
        hidden_(space.packed_hidden, shape_.batch, n_),
        reset_(space.packed_reset, shape_.batch, n_) {
    T* const saved_gates = arguments.output<T>(kSavedGates);
    T* const saved_recurrent = arguments.output<T>(kSavedRecurrent);
    gates_ = saved_gates == nullptr ? space.gates
                                    : saved_gates + d * shape_.rows() * shape_.gate_columns();
    recurrent_ =
        saved_recurrent == nullptr ? space.recurrent : saved_recurrent + d * shape_.rows() * n_;
    y_ = HiddenSequence(arguments, space.y);
  }

  void Run() {
    Start();
    const T* const r = arguments_.input<T>(kRecurrence) + d_ * shape_.gate_columns() * n_;
    const PackedColumns<T> to_gates({r, 1, n_}, n_, 2 * n_, space_.packed_gates);
    const PackedColumns<T> to_candidate({r + 2 * n_ * n_, 1, n_}, n_, n_, space_.packed_candidate);
    const int64_t gate_stride = shape_.batch_stride() * shape_.gate_columns();
    for (int64_t step = 0; step < shape_.steps; ++step) {
      const int64_t t = shape_.is_reversed(d_) ? shape_.steps - 1 - step : step;
      T* const gates = gates_ + shape_.row(t, 0) * shape_.gate_columns();
      to_gates.AddProduct(hidden_, {gates, gate_stride, 1});
      if (plan_.linear_before_reset) {
        to_candidate.AddProduct(
            hidden_, {recurrent_ + shape_.row(t, 0) * n_, shape_.batch_stride() * n_, 1});
        ForActive(t, [&](int64_t b) {
          Gates(t, b);
          Candidate(t, b);
        });
      } else {
        ForActive(t, [&](int64_t b) { Gates(t, b); });
        to_candidate.AddProduct(reset_, {gates + 2 * n_, gate_stride, 1});
        ForActive(t, [&](int64_t b) { Candidate(t, b); });
      }
    }
    StoreHidden(shape_, d_, hidden_, arguments_.output<T>(kLastHidden));
  }

 private:
  T* gates(int64_t t, int64_t b) const { return gates_ + shape_.row(t, b) * shape_.gate_columns(); }

  void Start() {
    const T* const bias = DirectionBias<T>(shape_, d_, arguments_);
    StartGates(shape_, d_, arguments_, plan_.linear_before_reset ? kGates - 1 : kGates, space_.row,
               gates_, space_.product);
    for (int64_t i = 0; plan_.linear_before_reset && i < shape_.rows(); ++i) {
      for (int64_t u = 0; u < n_; ++u) {
        recurrent_[i * n_ + u] = bias == nullptr ? T{0} : bias[5 * n_ + u];
      }
    }
    LoadHidden(shape_, d_, arguments_, hidden_);
    reset_.Clear();
  }

  template <typename Body>
  void ForActive(int64_t t, const Body& body) const {
    ParallelFor(shape_.batch, kTileRows, [&](int64_t begin, int64_t end) {
      for (int64_t b = begin; b < end; ++b) {
        if (lengths_.is_active(t, b)) {
          body(b);
        } else {
          std::fill_n(y_ + shape_.output(t, b, d_), n_, T{0});
        }
      }
    });
  }

  // z and r, and r⊙H where the candidate's product takes that.
  void Gates(int64_t t, int64_t b) const {
    T* const gate = gates(t, b);
    Activate(activation_[0], gate, 2 * n_);
    for (int64_t u = 0; !plan_.linear_before_reset && u < n_; ++u) {
      reset_.at(b, u) = gate[n_ + u] * hidden_.at(b, u);
    }
  }

  // n and H'.
  void Candidate(int64_t t, int64_t b) const {
    T* const gate = gates(t, b);
    T* const candidate = gate + 2 * n_;
    const T* const recurrent = recurrent_ + shape_.row(t, b) * n_;
    for (int64_t u = 0; plan_.linear_before_reset && u < n_; ++u) {
      candidate[u] += gate[n_ + u] * recurrent[u];
    }
    Activate(activation_[1], candidate, n_);
    T* const y = y_ + shape_.output(t, b, d_);
    for (int64_t u = 0; u < n_; ++u) {
      y[u] = (1 - gate[u]) * candidate[u] + gate[u] * hidden_.at(b, u);
      hidden_.at(b, u) = y[u];
    }
  }

  const GruPlan& plan_;
  const RecurrentShape& shape_;
  int64_t d_;
  int64_t n_;
  const SequenceLengths& lengths_;
  const KernelArguments& arguments_;
  const GruSpace<T>& space_;
  const CellActivation* activation_;
  PackedRows<T> hidden_;
  PackedRows<T> reset_;
  T* gates_;
  T* recurrent_;
  T* y_;
};

template <typename T>
absl::StatusOr<std::unique_ptr<Kernel>> GruForward(const KernelRequest& request) {
  STROP_ASSIGN_OR_RETURN(const GruPlan plan, GruPlan::Of(request));
  return DirectionsKernel<GruSpace<T>>(
      plan, [](const auto&... direction) { GruDirection<T>(direction...).Run(); });
}

absl::StatusOr<std::unique_ptr<Kernel>> GruKernel(const KernelRequest& request) {
  return RecurrentKernel(request, GruForward<float>, GruForward<double>);
}

// ---- Definitions

OpDefinition Gru() {
  return {.name = "GRU",
          .since_version = 22,
          .minimum_inputs = 3,
          .maximum_inputs = 6,
          .minimum_outputs = 0,
          .maximum_outputs = kSavedRecurrent + 1,
          .check_attributes = CheckRecurrentAttributes,
          .element_types = GruTypes,
          .shapes = GruShape,
          .differentiability = RecurrentDifferentiability(),
          .gradient = EmitGruGradient,
          .kernels = {GruKernel},
          .roles = RecurrentRoles(),
          .operations = RecurrentOperations,
          .unit_axes = RecurrentWeightUnits,
          .watch = OutputWatch(),
          .time_axis = RecurrentTimeAxis};
}

OpDefinition GruGradient() {
  std::vector<InputUse> input_use(kLastHiddenGradient + 1, InputUse::kElements);
  input_use[kBias] = InputUse::kShapeOnly;
  return {.name = "GRUGradient",
          .domain = kStropDomain,
          .minimum_inputs = 3,
          .maximum_inputs = kLastHiddenGradient + 1,
          .maximum_outputs = 5,
          .shapes = RecurrentGradientShape,
          .differentiability = {Differentiability::kNotImplemented},
          .kernels = {GruGradientKernel},
          .input_use = std::move(input_use)};
}

}  // namespace
}  // namespace gru

const RegisteredFamily kGru = {"gru", {gru::Gru(), gru::GruGradient()}};

}  // namespace strop
