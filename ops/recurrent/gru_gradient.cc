// Backward through GRU, from the last step of each direction to its first. At one step, with dH'
// the cotangent of H' (from Y and from the step after):
//
//   dn = dH'⊙(1 − z)⊙g'(n),  dz = dH'⊙(H − n)⊙f'(z),  dH = dH'⊙z + …
//   linear_before_reset ≠ 0:  dr = dn⊙(H·Rnᵀ + Rbn)⊙f'(r),  dH += [dz, dr, dn⊙r]·R
//   linear_before_reset = 0:  d(r⊙H) = dn·Rn,  dr = d(r⊙H)⊙H⊙f'(r),
//                             dH += d(r⊙H)⊙r + [dz, dr]·[Rz; Rr]
//
// then dX, dW, dR and dB are one product or sum each over all steps; dRn takes dn⊙r and H, or dn
// and r⊙H.

#include "ops/recurrent/gru.h"
#include "ops/recurrent/recurrent_direction.h"

namespace strop::gru {
namespace {

template <typename T>
struct GradientSpace {
  T* gates_gradient;      // [steps·batch, 3·hidden]
  T* recurrent_gradient;  // [steps·batch, hidden]: what Rn's product receives
  T* previous_hidden;     // [steps·batch, hidden]
  T* packed_gates;        // Rz and Rr
  T* packed_candidate;    // Rn
  T* packed_gate_gradient;
  T* packed_candidate_gradient;
  T* hidden_gradient;  // [batch, hidden]
  T* reset_gradient;   // [batch, hidden], d(r⊙H)
  void* product;

  GradientSpace(const RecurrentShape& shape, WorkspaceCursor& cursor)
      : gates_gradient(cursor.Take<T>(shape.rows() * shape.gate_columns())),
        recurrent_gradient(cursor.Take<T>(shape.rows() * shape.hidden)),
        previous_hidden(cursor.Take<T>(shape.rows() * shape.hidden)),
        packed_gates(cursor.Take<T>(PackedColumns<T>::Elements(2 * shape.hidden, shape.hidden))),
        packed_candidate(cursor.Take<T>(PackedColumns<T>::Elements(shape.hidden, shape.hidden))),
        packed_gate_gradient(
            cursor.Take<T>(PackedRows<T>::Elements(shape.batch, 2 * shape.hidden))),
        packed_candidate_gradient(
            cursor.Take<T>(PackedRows<T>::Elements(shape.batch, shape.hidden))),
        hidden_gradient(cursor.Take<T>(shape.batch * shape.hidden)),
        reset_gradient(cursor.Take<T>(shape.batch * shape.hidden)),
        product(cursor.Take<char>(static_cast<int64_t>(ContractionWorkspaceBytes<T>()))) {}
};

// One direction of one execution.
template <typename T>
class Direction {
 public:
  Direction(const GruPlan& plan, int64_t d, const SequenceLengths& lengths,
            const KernelArguments& arguments, const GradientSpace<T>& space)
      : plan_(plan),
        shape_(plan.shape),
        d_(d),
        n_(plan.shape.hidden),
        lengths_(lengths),
        arguments_(arguments),
        space_(space),
        gate_slope_(plan.activations[static_cast<size_t>(2 * d)]),
        candidate_slope_(plan.activations[static_cast<size_t>(2 * d + 1)]),
        to_gates_(space.packed_gate_gradient, shape_.batch, 2 * n_),
        to_candidate_(space.packed_candidate_gradient, shape_.batch, n_) {}

  void Run() {
    GatherPreviousHidden(shape_, lengths_, d_, arguments_.input<T>(kHiddenSequence),
                         arguments_.input<T>(kInitialHidden), space_.previous_hidden);
    const T* const last = arguments_.input<T>(kLastHiddenGradient);
    for (int64_t b = 0; b < shape_.batch; ++b) {
      for (int64_t u = 0; u < n_; ++u) {
        space_.hidden_gradient[b * n_ + u] = last == nullptr ? T{0} : last[shape_.state(b, d_) + u];
      }
    }
    to_gates_.Clear();
    to_candidate_.Clear();
    const T* const r = arguments_.input<T>(kRecurrence) + d_ * 3 * n_ * n_;
    const PackedColumns<T> gates({r, n_, 1}, 2 * n_, n_, space_.packed_gates);
    const PackedColumns<T> candidate({r + 2 * n_ * n_, n_, 1}, n_, n_, space_.packed_candidate);
    for (int64_t step = shape_.steps; step-- > 0;) {
      const int64_t t = shape_.is_reversed(d_) ? shape_.steps - 1 - step : step;
      ForSamples([&](int64_t b) { CandidateAndUpdate(t, b); });
      if (plan_.linear_before_reset) {
        candidate.AddProduct(to_candidate_, {space_.hidden_gradient, n_, 1});
      } else {
        std::fill_n(space_.reset_gradient, shape_.batch * n_, T{0});
        candidate.AddProduct(to_candidate_, {space_.reset_gradient, n_, 1});
        ForSamples([&](int64_t b) { Reset(t, b); });
      }
      gates.AddProduct(to_gates_, {space_.hidden_gradient, n_, 1});
    }
    StoreInputAndWeightGradients();
    StoreRecurrentGradients();
  }

 private:
  template <typename Body>
  void ForSamples(const Body& body) const {
    ParallelFor(shape_.batch, kTileRows, [&](int64_t begin, int64_t end) {
      for (int64_t b = begin; b < end; ++b) body(b);
    });
  }

  int64_t columns() const { return 3 * n_; }
  const T* gates(int64_t row) const {
    return arguments_.input<T>(kGateValues) + (d_ * shape_.rows() + row) * columns();
  }

  // dz and dn, and dr where it needs no product.
  void CandidateAndUpdate(int64_t t, int64_t b) const {
    const int64_t row = shape_.row(t, b);
    T* const gradient = space_.gates_gradient + row * columns();
    T* const recurrent_gradient = space_.recurrent_gradient + row * n_;
    if (!lengths_.is_active(t, b)) {
      std::fill_n(gradient, columns(), T{0});
      std::fill_n(recurrent_gradient, n_, T{0});
      for (int64_t u = 0; u < n_; ++u) {
        to_gates_.at(b, u) = to_gates_.at(b, n_ + u) = to_candidate_.at(b, u) = 0;
      }
      return;
    }
    const T* const gate = gates(row);
    const T* const before = space_.previous_hidden + row * n_;
    const T* const dy = arguments_.input<T>(kYGradient);
    const T* const y_gradient = dy == nullptr ? nullptr : dy + shape_.output(t, b, d_);
    const T* const recurrent = plan_.linear_before_reset ? arguments_.input<T>(kRecurrentValues) +
                                                               (d_ * shape_.rows() + row) * n_
                                                         : nullptr;
    T* const hidden_gradient = space_.hidden_gradient + b * n_;
    for (int64_t u = 0; u < n_; ++u) {
      const T z = gate[u];
      const T r = gate[n_ + u];
      const T candidate = gate[2 * n_ + u];
      const T dh = hidden_gradient[u] + (y_gradient == nullptr ? T{0} : y_gradient[u]);
      const T d_candidate = dh * (1 - z) * candidate_slope_(candidate);
      gradient[u] = dh * (before[u] - candidate) * gate_slope_(z);
      gradient[2 * n_ + u] = d_candidate;
      hidden_gradient[u] = dh * z;
      to_gates_.at(b, u) = gradient[u];
      recurrent_gradient[u] = recurrent == nullptr ? d_candidate : d_candidate * r;
      to_candidate_.at(b, u) = recurrent_gradient[u];
      if (recurrent == nullptr) continue;
      gradient[n_ + u] = d_candidate * recurrent[u] * gate_slope_(r);
      to_gates_.at(b, n_ + u) = gradient[n_ + u];
    }
  }

  // dr from d(r⊙H).
  void Reset(int64_t t, int64_t b) const {
    if (!lengths_.is_active(t, b)) return;
    const int64_t row = shape_.row(t, b);
    const T* const reset = gates(row) + n_;
    const T* const before = space_.previous_hidden + row * n_;
    const T* const product = space_.reset_gradient + b * n_;
    T* const gradient = space_.gates_gradient + row * columns() + n_;
    for (int64_t u = 0; u < n_; ++u) {
      gradient[u] = product[u] * before[u] * gate_slope_(reset[u]);
      to_gates_.at(b, n_ + u) = gradient[u];
      space_.hidden_gradient[b * n_ + u] += product[u] * reset[u];
    }
  }

  void StoreInputAndWeightGradients() const {
    if (T* dx = arguments_.output<T>(0); dx != nullptr) {
      SequenceProduct<T>(
          shape_.rows(), shape_.inputs, columns(), space_.gates_gradient,
          {arguments_.input<T>(kWeight) + d_ * columns() * shape_.inputs, shape_.inputs, 1}, dx,
          d_ > 0, space_.product);
    }
    if (T* dw = arguments_.output<T>(1); dw != nullptr) {
      WeightGradient<T>(columns(), shape_.inputs, shape_.rows(), space_.gates_gradient, columns(),
                        arguments_.input<T>(kSequence), shape_.inputs,
                        dw + d_ * columns() * shape_.inputs, space_.product);
    }
    if (T* initial = arguments_.output<T>(4); initial != nullptr) {
      for (int64_t b = 0; b < shape_.batch; ++b) {
        std::copy_n(space_.hidden_gradient + b * n_, n_, initial + shape_.state(b, d_));
      }
    }
  }

  void StoreRecurrentGradients() const {
    if (T* db = arguments_.output<T>(3); db != nullptr) {
      db += d_ * kBiases * n_;
      ColumnSums(space_.gates_gradient, shape_.rows(), columns(), db);
      std::copy_n(db, 2 * n_, db + 3 * n_);
      ColumnSums(space_.recurrent_gradient, shape_.rows(), n_, db + 5 * n_);
    }
    T* dr = arguments_.output<T>(2);
    if (dr == nullptr) return;
    dr += d_ * columns() * n_;
    WeightGradient<T>(2 * n_, n_, shape_.rows(), space_.gates_gradient, columns(),
                      space_.previous_hidden, n_, dr, space_.product);
    // Without linear_before_reset Rn multiplied r⊙H.
    for (int64_t i = 0; !plan_.linear_before_reset && i < shape_.rows(); ++i) {
      const T* const reset = gates(i) + n_;
      for (int64_t u = 0; u < n_; ++u) space_.previous_hidden[i * n_ + u] *= reset[u];
    }
    WeightGradient<T>(n_, n_, shape_.rows(), space_.recurrent_gradient, n_, space_.previous_hidden,
                      n_, dr + 2 * n_ * n_, space_.product);
  }

  const GruPlan& plan_;
  const RecurrentShape& shape_;
  int64_t d_;
  int64_t n_;
  const SequenceLengths& lengths_;
  const KernelArguments& arguments_;
  const GradientSpace<T>& space_;
  ActivationSlope<T> gate_slope_;
  ActivationSlope<T> candidate_slope_;
  PackedRows<T> to_gates_;
  PackedRows<T> to_candidate_;
};

template <typename T>
absl::StatusOr<std::unique_ptr<Kernel>> Gradient(const KernelRequest& request) {
  STROP_ASSIGN_OR_RETURN(const GruPlan plan, GruPlan::Of(request));
  return DirectionsKernel<GradientSpace<T>>(
      plan, [](const auto&... direction) { Direction<T>(direction...).Run(); });
}

}  // namespace

absl::StatusOr<std::unique_ptr<Kernel>> GruGradientKernel(const KernelRequest& request) {
  return RecurrentKernel(request, Gradient<float>, Gradient<double>);
}

}  // namespace strop::gru
