// Gradient operators of the reductions in reduce.cc: <Op>Gradient(dY, X, Y, axes), with the
// forward operator's attributes; dX has X's shape. A group's elements share one dy and one y.

#include <cmath>

#include "ops/core/axes.h"
#include "ops/core/family.h"
#include "ops/kernels/reducers.h"
#include "ops/reduce/reduce_attributes.h"

namespace strop {
namespace {

// ---- Type rule

absl::Status ShapeOfX(ShapeContext& context) {
  STROP_RETURN_IF_ERROR(context.ConstantIntegers(3).status());
  context.set_output(0, context.input(1));
  return absl::OkStatus();
}

// ---- Kernels that need nothing but (dy, x, y)

struct L1Gradient {
  template <typename C>
  static C Apply(C dy, C x, C) {
    return x > 0 ? dy : x < 0 ? -dy : C{0};
  }
};

struct L2Gradient {
  template <typename C>
  static C Apply(C dy, C x, C y) {
    return y == 0 ? C{0} : dy * (x / y);
  }
};

struct SumSquareGradient {
  template <typename C>
  static C Apply(C dy, C x, C) {
    return 2 * dy * x;
  }
};

struct LogSumGradient {
  template <typename C>
  static C Apply(C dy, C, C y) {
    return dy * std::exp(-y);
  }
};

struct LogSumExpGradient {
  template <typename C>
  static C Apply(C dy, C x, C y) {
    return x == -std::numeric_limits<C>::infinity() ? C{0} : dy * std::exp(x - y);
  }
};

absl::StatusOr<Reduction> ReductionOf(const KernelRequest& request) {
  STROP_ASSIGN_OR_RETURN(const std::vector<int64_t> axes, ConstantIntegers(request, 3));
  STROP_ASSIGN_OR_RETURN(const std::vector<bool> is_reduced,
                         ReducedAxes(request.node, axes, request.inputs[1].rank()));
  return Reduction(request.inputs[1].shape, is_reduced);
}

// Calls visit(element, column) for every element of an item; `column` counts its groups.
template <typename Visit>
void ForEachElement(const Reduction& reduction, const Reduction::Item& item, const Visit& visit) {
  const int64_t step = reduction.contiguous_rows ? 0 : 1;
  reduction.ForEachRun(item, [&](int64_t offset, int64_t length, int64_t) {
    for (int64_t i = 0; i < length; ++i) visit(offset + i, i * step);
  });
}

// dx = Function(dy, x, y). X is not read where it is shape-only: Function must ignore it then.
template <typename Function, bool kReadsX = true>
absl::StatusOr<std::unique_ptr<Kernel>> MappedGradient(const KernelRequest& request) {
  STROP_ASSIGN_OR_RETURN(const Reduction reduction, ReductionOf(request));
  std::unique_ptr<Kernel> kernel;
  STROP_RETURN_IF_ERROR(
      VisitFloating(request.inputs[0].type, request.node.op_type, [&]<typename T>() {
        kernel = MakeKernel([reduction](const KernelArguments& arguments) {
          using Compute = ComputeType<T>;
          const T* dy = arguments.input<T>(0);
          const T* x = arguments.input<T>(1);
          const T* y = arguments.input<T>(2);
          T* dx = arguments.output<T>(0);
          reduction.ForEachItem([&](const Reduction::Item& item) {
            ForEachElement(reduction, item, [&](int64_t element, int64_t column) {
              const Compute value = kReadsX ? static_cast<Compute>(x[element]) : Compute{0};
              dx[element] = static_cast<T>(
                  Function::Apply(static_cast<Compute>(dy[item.group + column]), value,
                                  static_cast<Compute>(y[item.group + column])));
            });
          });
          return absl::OkStatus();
        });
        return absl::OkStatus();
      }));
  return kernel;
}

// ---- Kernels that look at a whole group first

template <typename T>
void ExtremumGradientItem(const Reduction& reduction, const Reduction::Item& item, const T* dy,
                          const T* x, const T* y, T* dx) {
  using Compute = ComputeType<T>;
  Compute extremum[Reduction::kTile];
  int64_t ties[Reduction::kTile] = {};
  for (int64_t i = 0; i < item.width; ++i) extremum[i] = static_cast<Compute>(y[item.group + i]);
  ForEachElement(reduction, item, [&](int64_t element, int64_t column) {
    ties[column] += static_cast<Compute>(x[element]) == extremum[column];
  });
  ForEachElement(reduction, item, [&](int64_t element, int64_t column) {
    const bool is_extremum = static_cast<Compute>(x[element]) == extremum[column];
    const auto share = static_cast<Compute>(dy[item.group + column]) /
                       static_cast<Compute>(std::max<int64_t>(1, ties[column]));
    dx[element] = static_cast<T>(is_extremum ? share : Compute{0});
  });
}

// The product of the others is product / x without zeros, the product of the rest for a single
// zero, and 0 otherwise.
template <typename T>
void ProductGradientItem(const Reduction& reduction, const Reduction::Item& item, const T* dy,
                         const T* x, const T*, T* dx) {
  using Compute = ComputeType<T>;
  double product[Reduction::kTile];
  int64_t zeros[Reduction::kTile] = {};
  std::fill_n(product, item.width, 1.0);
  ForEachElement(reduction, item, [&](int64_t element, int64_t column) {
    const auto value = static_cast<double>(static_cast<Compute>(x[element]));
    if (value == 0) {
      ++zeros[column];
    } else {
      product[column] *= value;
    }
  });
  ForEachElement(reduction, item, [&](int64_t element, int64_t column) {
    const auto value = static_cast<double>(static_cast<Compute>(x[element]));
    double others = 0;
    if (zeros[column] == 0) others = product[column] / value;
    if (zeros[column] == 1 && value == 0) others = product[column];
    const auto gradient = static_cast<double>(static_cast<Compute>(dy[item.group + column]));
    dx[element] = static_cast<T>(static_cast<Compute>(gradient * others));
  });
}

template <typename T>
using GroupGradient = void (*)(const Reduction&, const Reduction::Item&, const T*, const T*,
                               const T*, T*);

template <typename T>
std::unique_ptr<Kernel> GroupGradientKernel(Reduction reduction, GroupGradient<T> gradient) {
  reduction.parts = 1;
  return MakeKernel([reduction, gradient](const KernelArguments& arguments) {
    reduction.ForEachItem([&](const Reduction::Item& item) {
      gradient(reduction, item, arguments.input<T>(0), arguments.input<T>(1), arguments.input<T>(2),
               arguments.output<T>(0));
    });
    return absl::OkStatus();
  });
}

absl::StatusOr<std::unique_ptr<Kernel>> ExtremumGradient(const KernelRequest& request) {
  STROP_ASSIGN_OR_RETURN(const Reduction reduction, ReductionOf(request));
  std::unique_ptr<Kernel> kernel;
  STROP_RETURN_IF_ERROR(
      VisitFloating(request.inputs[0].type, request.node.op_type, [&]<typename T>() {
        kernel = GroupGradientKernel<T>(reduction, ExtremumGradientItem<T>);
        return absl::OkStatus();
      }));
  return kernel;
}

absl::StatusOr<std::unique_ptr<Kernel>> ProductGradient(const KernelRequest& request) {
  STROP_ASSIGN_OR_RETURN(const Reduction reduction, ReductionOf(request));
  std::unique_ptr<Kernel> kernel;
  STROP_RETURN_IF_ERROR(
      VisitFloating(request.inputs[0].type, request.node.op_type, [&]<typename T>() {
        kernel = GroupGradientKernel<T>(reduction, ProductGradientItem<T>);
        return absl::OkStatus();
      }));
  return kernel;
}

// ---- Definitions

OpDefinition ReduceGradient(std::string_view name, KernelFactory generic,
                            std::vector<InputUse> input_use = {InputUse::kElements}) {
  return {
      .name = name,
      .domain = kStropDomain,
      .minimum_inputs = 3,
      .maximum_inputs = 4,
      .shapes = ShapeOfX,
      .differentiability = {Differentiability::kNotImplemented, Differentiability::kNotImplemented,
                            Differentiability::kNotImplemented,
                            Differentiability::kNotDifferentiable},
      .kernels = {generic},
      .input_use = std::move(input_use)};
}

}  // namespace

const RegisteredFamily kReduceGradient = {
    "reduce_gradient",
    {
        ReduceGradient("ReduceMaxGradient", ExtremumGradient),
        ReduceGradient("ReduceMinGradient", ExtremumGradient),
        ReduceGradient(
            "ReduceProdGradient", ProductGradient,
            {InputUse::kElements, InputUse::kElements, InputUse::kShapeOnly, InputUse::kElements}),
        ReduceGradient("ReduceL1Gradient", MappedGradient<L1Gradient>),
        ReduceGradient("ReduceL2Gradient", MappedGradient<L2Gradient>),
        ReduceGradient("ReduceSumSquareGradient", MappedGradient<SumSquareGradient>),
        ReduceGradient("ReduceLogSumGradient", MappedGradient<LogSumGradient, false>,
                       {InputUse::kElements, InputUse::kShapeOnly, InputUse::kElements}),
        ReduceGradient("ReduceLogSumExpGradient", MappedGradient<LogSumExpGradient>),
    }};

}  // namespace strop
