// Running sums and products along one axis, given as a scalar input. `exclusive` leaves the element
// itself out, `reverse` runs from the end.
//
//   CumSum-14    y_i = Σ_{j≤i} x_j    dx = CumSum(dy, axis) {exclusive, reverse: the other way}
//   CumProd-26   y_i = Π_{j≤i} x_j    dx = CumProdGradient(dy, x, axis)
//
//   CumProdGradient   dx_k = Σ_{i≥k} dy_i · Π_{j≤i, j≠k} x_j, without division, so right at zeros

#include <algorithm>
#include <type_traits>

#include "absl/strings/str_cat.h"
#include "graph/visit_type.h"
#include "ops/core/axes.h"
#include "ops/core/family.h"
#include "ops/kernels/parallel_for.h"

namespace strop {
namespace {

// ---- Attributes

struct CumulativeAttributes {
  bool exclusive;
  bool reverse;

  explicit CumulativeAttributes(const Node& node)
      : exclusive(node.attributes.Int("exclusive", 0) != 0),
        reverse(node.attributes.Int("reverse", 0) != 0) {}
};

absl::StatusOr<size_t> OnlyAxis(const Node& node, const std::vector<int64_t>& axes, int64_t rank) {
  if (axes.size() != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat(NodeLabel(node), ": found ", axes.size(), " axes, expected one"));
  }
  STROP_ASSIGN_OR_RETURN(const int64_t axis, AxisOf(node, axes[0], rank));
  return static_cast<size_t>(axis);
}

// ---- Type rules

template <size_t kAxisInput>
absl::Status CumulativeShape(ShapeContext& context) {
  STROP_ASSIGN_OR_RETURN(const std::vector<int64_t> axes, context.ConstantIntegers(kAxisInput));
  STROP_RETURN_IF_ERROR(OnlyAxis(context.node(), axes, context.rank(0)).status());
  return SameShapeAsInput0(context);
}

// ---- Gradient rules

absl::Status CumSumGradient(GradientContext& context) {
  Attributes attributes = context.node().attributes;
  attributes.Set("reverse", int64_t{!CumulativeAttributes(context.node()).reverse});
  context.SetInputGradient(0, context.Emit("CumSum", {context.output_gradient(0), context.input(1)},
                                           std::move(attributes)));
  return absl::OkStatus();
}

absl::Status CumProdGradient(GradientContext& context) {
  context.SetInputGradient(
      0, context.EmitStrop("CumProdGradient",
                           {context.output_gradient(0), context.input(0), context.input(1)},
                           context.node().attributes));
  return absl::OkStatus();
}

// ---- Kernels

// The lines along the axis: element i of line l lies at start(l) + i·step.
struct Lines {
  int64_t count = 0;
  int64_t length = 0;
  int64_t inner = 1;
  int64_t step = 1;  // negative when reversed
  CumulativeAttributes attributes;

  Lines(const Node& node, const Shape& shape, size_t axis)
      : length(shape[axis]),
        inner(ElementCount(absl::MakeSpan(shape).subspan(axis + 1))),
        attributes(node) {
    count = length == 0 ? 0 : ElementCount(shape) / length;
    step = attributes.reverse ? -inner : inner;
  }

  int64_t start(int64_t line) const {
    const int64_t first = line / inner * inner * length + line % inner;
    return attributes.reverse ? first + (length - 1) * inner : first;
  }

  template <typename Visit>
  void ForEach(const Visit& visit) const {
    ParallelFor(count, std::max<int64_t>(1, 8192 / std::max<int64_t>(1, length)),
                [&](int64_t begin, int64_t end) {
                  for (int64_t line = begin; line < end; ++line) visit(start(line));
                });
  }
};

absl::StatusOr<Lines> LinesOf(const KernelRequest& request, size_t axis_input) {
  STROP_ASSIGN_OR_RETURN(const std::vector<int64_t> axes, ConstantIntegers(request, axis_input));
  STROP_ASSIGN_OR_RETURN(const size_t axis, OnlyAxis(request.node, axes, request.inputs[0].rank()));
  return Lines(request.node, request.inputs[0].shape, axis);
}

struct Sum {
  static constexpr int kIdentity = 0;
  template <typename A>
  static A Apply(A a, A b) {
    return a + b;
  }
};

struct Product {
  static constexpr int kIdentity = 1;
  template <typename A>
  static A Apply(A a, A b) {
    return a * b;
  }
};

// Running values are kept in double for floating types, modulo 2^64 for integers.
template <typename T, typename Operation>
std::unique_ptr<Kernel> CumulativeKernel(const Lines& lines) {
  return MakeKernel([lines](const KernelArguments& arguments) {
    using Compute = ComputeType<T>;
    using Accumulator = std::conditional_t<std::is_integral_v<Compute>, uint64_t, double>;
    const T* x = arguments.input<T>(0);
    T* y = arguments.output<T>(0);
    lines.ForEach([&](int64_t start) {
      Accumulator running = Operation::kIdentity;
      for (int64_t i = 0; i < lines.length; ++i) {
        const int64_t at = start + i * lines.step;
        const auto next =
            Operation::Apply(running, static_cast<Accumulator>(static_cast<Compute>(x[at])));
        y[at] = static_cast<T>(static_cast<Compute>(lines.attributes.exclusive ? running : next));
        running = next;
      }
    });
    return absl::OkStatus();
  });
}

template <typename Operation>
absl::StatusOr<std::unique_ptr<Kernel>> CumulativeGeneric(const KernelRequest& request) {
  STROP_ASSIGN_OR_RETURN(const Lines lines, LinesOf(request, 1));
  std::unique_ptr<Kernel> kernel;
  STROP_RETURN_IF_ERROR(
      VisitNumeric(request.inputs[0].type, request.node.op_type, [&]<typename T>() {
        kernel = CumulativeKernel<T, Operation>(lines);
        return absl::OkStatus();
      }));
  return kernel;
}

// With P_k = Π_{j<k} x_j and the tail R_k = dy_k + x_{k+1}·R_{k+1}: dx_k = P_k · R_k. When the
// element itself is left out, the cotangents move one place: R_k = dy_{k+1} + x_{k+1}·R_{k+1}.
template <typename T>
std::unique_ptr<Kernel> CumProdGradientKernel(const Lines& lines) {
  return MakeKernel([lines](const KernelArguments& arguments) {
    using Compute = ComputeType<T>;
    const T* dy = arguments.input<T>(0);
    const T* x = arguments.input<T>(1);
    T* dx = arguments.output<T>(0);
    const bool exclusive = lines.attributes.exclusive;
    lines.ForEach([&](int64_t start) {
      const auto at = [&](int64_t i) { return start + i * lines.step; };
      Compute tail = 0;
      for (int64_t k = lines.length; k-- > 0;) {
        const bool is_last = k + 1 == lines.length;
        const Compute cotangent = !exclusive ? static_cast<Compute>(dy[at(k)])
                                  : is_last  ? Compute{0}
                                             : static_cast<Compute>(dy[at(k + 1)]);
        tail = is_last ? cotangent : cotangent + static_cast<Compute>(x[at(k + 1)]) * tail;
        dx[at(k)] = static_cast<T>(tail);
      }
      Compute head = 1;
      for (int64_t k = 0; k < lines.length; ++k) {
        dx[at(k)] = static_cast<T>(static_cast<Compute>(dx[at(k)]) * head);
        head *= static_cast<Compute>(x[at(k)]);
      }
    });
    return absl::OkStatus();
  });
}

absl::StatusOr<std::unique_ptr<Kernel>> CumProdGradientGeneric(const KernelRequest& request) {
  STROP_ASSIGN_OR_RETURN(const Lines lines, LinesOf(request, 2));
  std::unique_ptr<Kernel> kernel;
  STROP_RETURN_IF_ERROR(
      VisitFloating(request.inputs[0].type, request.node.op_type, [&]<typename T>() {
        kernel = CumProdGradientKernel<T>(lines);
        return absl::OkStatus();
      }));
  return kernel;
}

// ---- Definitions

OpDefinition Cumulative(std::string_view name, int since_version,
                        absl::Status (*gradient)(GradientContext&), KernelFactory generic) {
  return {.name = name,
          .since_version = since_version,
          .minimum_inputs = 2,
          .maximum_inputs = 2,
          .shapes = CumulativeShape<1>,
          .differentiability = {Differentiability::kDifferentiable,
                                Differentiability::kNotDifferentiable},
          .gradient = gradient,
          .kernels = {generic},
          .in_place = {{0, 0}}};
}

}  // namespace

const RegisteredFamily kCumulative = {
    "cumulative",
    {
        Cumulative("CumSum", 14, CumSumGradient, CumulativeGeneric<Sum>),
        Cumulative("CumProd", 26, CumProdGradient, CumulativeGeneric<Product>),
        {.name = "CumProdGradient",
         .domain = kStropDomain,
         .minimum_inputs = 3,
         .maximum_inputs = 3,
         .shapes = CumulativeShape<2>,
         .differentiability = {Differentiability::kNotImplemented,
                               Differentiability::kNotImplemented,
                               Differentiability::kNotDifferentiable},
         .kernels = {CumProdGradientGeneric}},
    }};

}  // namespace strop
