// Division by the strength of neighbouring channels.
//
//   LRN-13   Y[c] = X[c]·s[c]^(−beta),  s[c] = bias + alpha/size·Σ X[c']²
//            over c' from c − ⌊(size−1)/2⌋ to c + ⌈(size−1)/2⌉
//   dX[c] = dY[c]·s[c]^(−beta) − 2·alpha·beta/size·X[c]·Σ dY[c']·X[c']·s[c']^(−beta−1)
//            over the c' whose window holds c

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "graph/visit_type.h"
#include "ops/core/family.h"
#include "ops/core/op_definition.h"
#include "ops/kernels/parallel_for.h"

namespace strop {
namespace {

// ---- Attributes

struct LrnAttributes {
  double alpha;
  double beta;
  double bias;
  int64_t size;  // channels of a window

  explicit LrnAttributes(const Node& node)
      : alpha(node.attributes.Float("alpha", 1e-4)),
        beta(node.attributes.Float("beta", 0.75)),
        bias(node.attributes.Float("bias", 1)),
        size(node.attributes.Int("size", 0)) {}

  int64_t before() const { return (size - 1) / 2; }
  int64_t after() const { return size - 1 - before(); }
};

absl::Status CheckLrn(const Node& node) {
  const int64_t size = LrnAttributes(node).size;
  if (size >= 1) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(NodeLabel(node), ": found size ", size, ", expected at least 1"));
}

// ---- Type rule

absl::Status LrnShape(ShapeContext& context) {
  if (context.rank(0) < 2) return context.Mismatch(ShapeName(context.input(0)), "[N,C,…]");
  return SameShapeAsInput0(context);
}

// ---- Gradient rule

absl::Status LrnGradient(GradientContext& context) {
  context.SetInputGradient(
      0, context.EmitStrop("LRNGradient", {context.output_gradient(0), context.input(0)},
                           context.node().attributes));
  return absl::OkStatus();
}

// ---- Kernels

// A plane is one channel of one image.
struct Planes {
  int64_t images;
  int64_t channels;
  int64_t spatial;

  explicit Planes(const Shape& x)
      : images(x[0]), channels(x[1]), spatial(ElementCount(absl::MakeConstSpan(x).subspan(2))) {}

  // Calls body(first element of the plane, channel) for every plane.
  template <typename Body>
  void ForEach(const Body& body) const {
    ParallelFor(images * channels, 1, [&](int64_t begin, int64_t end) {
      for (int64_t plane = begin; plane < end; ++plane) body(plane * spatial, plane % channels);
    });
  }

  // Σ term(i) at element i's place in the channels from c − before to c + after.
  template <typename Compute, typename Term>
  Compute SumOverWindow(int64_t i, int64_t c, int64_t before, int64_t after,
                        const Term& term) const {
    const int64_t first = std::max<int64_t>(c - before, 0);
    const int64_t last = std::min(c + after, channels - 1);
    Compute sum = 0;
    for (int64_t other = first; other <= last; ++other) sum += term(i + (other - c) * spatial);
    return sum;
  }
};

template <typename Compute, typename T>
Compute Strength(const LrnAttributes& attributes, const Planes& planes, const T* x, int64_t i,
                 int64_t c) {
  const auto square = [x](int64_t at) {
    return static_cast<Compute>(x[at]) * static_cast<Compute>(x[at]);
  };
  return static_cast<Compute>(attributes.bias) +
         static_cast<Compute>(attributes.alpha / static_cast<double>(attributes.size)) *
             planes.SumOverWindow<Compute>(i, c, attributes.before(), attributes.after(), square);
}

template <typename T>
void Divide(const LrnAttributes& attributes, const Planes& planes,
            const KernelArguments& arguments) {
  using Compute = ComputeType<T>;
  const T* const x = arguments.input<T>(0);
  T* const y = arguments.output<T>(0);
  const auto exponent = static_cast<Compute>(-attributes.beta);
  planes.ForEach([&](int64_t first, int64_t c) {
    for (int64_t i = first; i < first + planes.spatial; ++i) {
      const Compute strength = Strength<Compute>(attributes, planes, x, i, c);
      y[i] = static_cast<T>(static_cast<Compute>(x[i]) * std::pow(strength, exponent));
    }
  });
}

// The workspace holds dY·X·s^(−beta−1), then s^(−beta), for every element.
template <typename T>
void DivideGradient(const LrnAttributes& attributes, const Planes& planes,
                    const KernelArguments& arguments) {
  using Compute = ComputeType<T>;
  const T* const dy = arguments.input<T>(0);
  const T* const x = arguments.input<T>(1);
  T* const dx = arguments.output<T>(0);
  Compute* const pull = static_cast<Compute*>(arguments.workspace);
  Compute* const factor = pull + planes.images * planes.channels * planes.spatial;
  const auto exponent = static_cast<Compute>(-attributes.beta);
  planes.ForEach([&](int64_t first, int64_t c) {
    for (int64_t i = first; i < first + planes.spatial; ++i) {
      const Compute strength = Strength<Compute>(attributes, planes, x, i, c);
      factor[i] = std::pow(strength, exponent);
      pull[i] = static_cast<Compute>(dy[i]) * static_cast<Compute>(x[i]) * factor[i] / strength;
    }
  });
  const auto scale = static_cast<Compute>(2 * attributes.alpha * attributes.beta /
                                          static_cast<double>(attributes.size));
  planes.ForEach([&](int64_t first, int64_t c) {
    for (int64_t i = first; i < first + planes.spatial; ++i) {
      const Compute sum = planes.SumOverWindow<Compute>(
          i, c, attributes.after(), attributes.before(), [pull](int64_t at) { return pull[at]; });
      dx[i] = static_cast<T>(static_cast<Compute>(dy[i]) * factor[i] -
                             scale * static_cast<Compute>(x[i]) * sum);
    }
  });
}

template <bool kIsGradient>
absl::StatusOr<std::unique_ptr<Kernel>> LrnKernel(const KernelRequest& request) {
  const LrnAttributes attributes(request.node);
  const Planes planes(request.inputs[0].shape);
  const auto elements = static_cast<size_t>(request.inputs[0].element_count());
  std::unique_ptr<Kernel> kernel;
  const absl::Status status =
      VisitFloating(request.inputs[0].type, request.node.op_type, [&]<typename T>() {
        kernel = MakeKernel(
            [attributes, planes](const KernelArguments& arguments) {
              if constexpr (kIsGradient) {
                DivideGradient<T>(attributes, planes, arguments);
              } else {
                Divide<T>(attributes, planes, arguments);
              }
              return absl::OkStatus();
            },
            kIsGradient ? 2 * elements * sizeof(ComputeType<T>) : 0);
        return absl::OkStatus();
      });
  if (!status.ok()) return status;
  return kernel;
}

// ---- Definitions

OpDefinition Lrn() {
  return {.name = "LRN",
          .since_version = 13,
          .check_attributes = CheckLrn,
          .shapes = LrnShape,
          .differentiability = {Differentiability::kDifferentiable},
          .gradient = LrnGradient,
          .kernels = {LrnKernel<false>},
          .output_units = UnitAxis::kOne,
          .watch = OutputWatch()};
}

OpDefinition LrnGradientDefinition() {
  return {.name = "LRNGradient",
          .domain = kStropDomain,
          .minimum_inputs = 2,
          .maximum_inputs = 2,
          .check_attributes = CheckLrn,
          .differentiability = {Differentiability::kNotImplemented},
          .kernels = {LrnKernel<true>}};
}

}  // namespace

const RegisteredFamily kLocalResponseNormalization = {"local_response_normalization",
                                                      {Lrn(), LrnGradientDefinition()}};

}  // namespace strop
