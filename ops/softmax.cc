// Normalized exponentials along one axis of n elements.
//
//   Softmax-13     y_i = e^(x_i − m) / Σ_j e^(x_j − m), m = max_j x_j   dx = y·(dy − Σ_j dy_j·y_j)
//   LogSoftmax-13  y_i = x_i − m − ln Σ_j e^(x_j − m)                   dx = dy − e^y·Σ_j dy_j
//   Hardmax-13     y_i = 1 at the first maximum, 0 elsewhere; constant almost everywhere

#include <cmath>

#include "graph/status_macros.h"
#include "ops/core/family.h"
#include "ops/kernels/elementwise.h"
#include "ops/kernels/vector_kernel.h"

namespace strop {
namespace {

// ---- Attributes

struct SoftmaxAttributes {
  int64_t axis;
  explicit SoftmaxAttributes(const Node& node) : axis(node.attributes.Int("axis", -1)) {}
};

// ---- Shape rule

absl::Status SoftmaxShape(ShapeContext& context) {
  const int64_t axis = SoftmaxAttributes(context.node()).axis;
  if (!NormalizeAxis(axis, context.rank(0)).ok()) {
    return context.Mismatch(absl::StrCat("axis ", axis),
                            absl::StrCat("one within rank ", context.rank(0)));
  }
  return SameShapeAsInput0(context);
}

// ---- Kernels

// The tensor as [outer, n, inner] around the axis.
struct AxisView {
  int64_t outer = 1;
  int64_t n = 1;
  int64_t inner = 1;

  static absl::StatusOr<AxisView> Of(const KernelRequest& request) {
    const Shape& shape = request.inputs[0].shape;
    const auto rank = static_cast<int64_t>(shape.size());
    STROP_ASSIGN_OR_RETURN(const int64_t axis,
                           NormalizeAxis(SoftmaxAttributes(request.node).axis, rank));
    AxisView view;
    for (int64_t d = 0; d < rank; ++d) {
      int64_t& part = d < axis ? view.outer : d == axis ? view.n : view.inner;
      part *= shape[static_cast<size_t>(d)];
    }
    return view;
  }
};

// Neighbouring lines along the axis are taken together, so that memory is read in its order.
constexpr int64_t kLines = 64;

// Calls body(offset of the first element, lines) for every group of up to kLines lines.
template <typename Body>
void ForEachLineGroup(const AxisView& view, const Body& body) {
  const int64_t groups = (view.inner + kLines - 1) / kLines;
  const int64_t work = view.n * std::min(view.inner, kLines);
  const int64_t grain = std::max<int64_t>(1, kElementwiseGrain / std::max<int64_t>(1, work));
  ParallelFor(view.outer * groups, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t line = i % groups * kLines;
      body(i / groups * view.n * view.inner + line, std::min(kLines, view.inner - line));
    }
  });
}

// Maximum and Σ e^(x − maximum) of each line.
template <typename T>
struct LineSums {
  using C = ComputeType<T>;
  C maximum[kLines];
  C sum[kLines];

  LineSums(const T* x, const AxisView& view, int64_t lines) {
    for (int64_t l = 0; l < lines; ++l) {
      maximum[l] = static_cast<C>(x[l]);
      sum[l] = 0;
    }
    for (int64_t i = 1; i < view.n; ++i) {
      for (int64_t l = 0; l < lines; ++l) {
        maximum[l] = std::max(maximum[l], static_cast<C>(x[i * view.inner + l]));
      }
    }
    for (int64_t i = 0; i < view.n; ++i) {
      for (int64_t l = 0; l < lines; ++l) {
        sum[l] += std::exp(static_cast<C>(x[i * view.inner + l]) - maximum[l]);
      }
    }
  }
};

template <typename T>
void SoftmaxLines(const T* x, T* y, const AxisView& view, int64_t lines) {
  using C = ComputeType<T>;
  const LineSums<T> sums(x, view, lines);
  for (int64_t i = 0; i < view.n; ++i) {
    for (int64_t l = 0; l < lines; ++l) {
      const int64_t at = i * view.inner + l;
      y[at] = static_cast<T>(std::exp(static_cast<C>(x[at]) - sums.maximum[l]) / sums.sum[l]);
    }
  }
}

template <typename T>
void LogSoftmaxLines(const T* x, T* y, const AxisView& view, int64_t lines) {
  using C = ComputeType<T>;
  LineSums<T> sums(x, view, lines);
  for (int64_t l = 0; l < lines; ++l) sums.sum[l] = std::log(sums.sum[l]);
  for (int64_t i = 0; i < view.n; ++i) {
    for (int64_t l = 0; l < lines; ++l) {
      const int64_t at = i * view.inner + l;
      y[at] = static_cast<T>(static_cast<C>(x[at]) - sums.maximum[l] - sums.sum[l]);
    }
  }
}

template <typename T>
void HardmaxLines(const T* x, T* y, const AxisView& view, int64_t lines) {
  using C = ComputeType<T>;
  int64_t best[kLines] = {};
  for (int64_t i = 1; i < view.n; ++i) {
    for (int64_t l = 0; l < lines; ++l) {
      const C champion = static_cast<C>(x[best[l] * view.inner + l]);
      if (static_cast<C>(x[i * view.inner + l]) > champion) best[l] = i;
    }
  }
  for (int64_t i = 0; i < view.n; ++i) {
    for (int64_t l = 0; l < lines; ++l) {
      y[i * view.inner + l] = static_cast<T>(i == best[l] ? 1.0f : 0.0f);
    }
  }
}

template <typename T>
void SoftmaxGradientLines(const T* dy, const T* y, T* dx, const AxisView& view, int64_t lines) {
  using C = ComputeType<T>;
  C dot[kLines] = {};
  for (int64_t i = 0; i < view.n; ++i) {
    for (int64_t l = 0; l < lines; ++l) {
      const int64_t at = i * view.inner + l;
      dot[l] += static_cast<C>(dy[at]) * static_cast<C>(y[at]);
    }
  }
  for (int64_t i = 0; i < view.n; ++i) {
    for (int64_t l = 0; l < lines; ++l) {
      const int64_t at = i * view.inner + l;
      dx[at] = static_cast<T>(static_cast<C>(y[at]) * (static_cast<C>(dy[at]) - dot[l]));
    }
  }
}

template <typename T>
void LogSoftmaxGradientLines(const T* dy, const T* y, T* dx, const AxisView& view, int64_t lines) {
  using C = ComputeType<T>;
  C sum[kLines] = {};
  for (int64_t i = 0; i < view.n; ++i) {
    for (int64_t l = 0; l < lines; ++l) sum[l] += static_cast<C>(dy[i * view.inner + l]);
  }
  for (int64_t i = 0; i < view.n; ++i) {
    for (int64_t l = 0; l < lines; ++l) {
      const int64_t at = i * view.inner + l;
      dx[at] = static_cast<T>(static_cast<C>(dy[at]) - std::exp(static_cast<C>(y[at])) * sum[l]);
    }
  }
}

template <typename MakeKernelOfType>
absl::StatusOr<std::unique_ptr<Kernel>> AxisKernel(const KernelRequest& request,
                                                   const MakeKernelOfType& make) {
  STROP_ASSIGN_OR_RETURN(const AxisView view, AxisView::Of(request));
  std::unique_ptr<Kernel> kernel;
  STROP_RETURN_IF_ERROR(
      VisitFloating(request.inputs[0].type, request.node.op_type, [&]<typename T>() {
        kernel = make.template operator()<T>(view);
        return absl::OkStatus();
      }));
  return kernel;
}

template <typename T>
std::unique_ptr<Kernel> ForwardKernel(const AxisView& view,
                                      void (*lines)(const T*, T*, const AxisView&, int64_t)) {
  return MakeKernel([view, lines](const KernelArguments& arguments) {
    const T* x = arguments.input<T>(0);
    T* y = arguments.output<T>(0);
    if (view.n == 0) return absl::OkStatus();
    ForEachLineGroup(
        view, [&](int64_t offset, int64_t count) { lines(x + offset, y + offset, view, count); });
    return absl::OkStatus();
  });
}

template <typename T>
std::unique_ptr<Kernel> GradientKernel(const AxisView& view,
                                       void (*lines)(const T*, const T*, T*, const AxisView&,
                                                     int64_t)) {
  return MakeKernel([view, lines](const KernelArguments& arguments) {
    const T* dy = arguments.input<T>(0);
    const T* y = arguments.input<T>(1);
    T* dx = arguments.output<T>(0);
    ForEachLineGroup(view, [&](int64_t offset, int64_t count) {
      lines(dy + offset, y + offset, dx + offset, view, count);
    });
    return absl::OkStatus();
  });
}

absl::StatusOr<std::unique_ptr<Kernel>> SoftmaxGeneric(const KernelRequest& request) {
  return AxisKernel(request, []<typename T>(const AxisView& view) {
    return ForwardKernel<T>(view, SoftmaxLines<T>);
  });
}

absl::StatusOr<std::unique_ptr<Kernel>> LogSoftmaxGeneric(const KernelRequest& request) {
  return AxisKernel(request, []<typename T>(const AxisView& view) {
    return ForwardKernel<T>(view, LogSoftmaxLines<T>);
  });
}

absl::StatusOr<std::unique_ptr<Kernel>> HardmaxGeneric(const KernelRequest& request) {
  return AxisKernel(request, []<typename T>(const AxisView& view) {
    return ForwardKernel<T>(view, HardmaxLines<T>);
  });
}

absl::StatusOr<std::unique_ptr<Kernel>> SoftmaxGradientGeneric(const KernelRequest& request) {
  return AxisKernel(request, []<typename T>(const AxisView& view) {
    return GradientKernel<T>(view, SoftmaxGradientLines<T>);
  });
}

absl::StatusOr<std::unique_ptr<Kernel>> LogSoftmaxGradientGeneric(const KernelRequest& request) {
  return AxisKernel(request, []<typename T>(const AxisView& view) {
    return GradientKernel<T>(view, LogSoftmaxGradientLines<T>);
  });
}

// Float along the last axis: every line is one call.
absl::StatusOr<bool> HasFloatLines(const KernelRequest& request) {
  STROP_ASSIGN_OR_RETURN(const AxisView view, AxisView::Of(request));
  return request.inputs[0].type == DataType::kFloat && view.inner == 1;
}

template <simd::Unary simd::VectorFunctions::*kFunction>
absl::StatusOr<std::unique_ptr<Kernel>> ForwardVector(const KernelRequest& request) {
  STROP_ASSIGN_OR_RETURN(const bool has_float_lines, HasFloatLines(request));
  if (!has_float_lines) return nullptr;
  STROP_ASSIGN_OR_RETURN(const AxisView view, AxisView::Of(request));
  std::unique_ptr<Kernel> kernel =
      ForwardKernel<float>(view, [](const float* x, float* y, const AxisView& lines, int64_t) {
        (simd::Functions().*kFunction)(x, y, lines.n, nullptr);
      });
  kernel->implementation = VectorImplementation();
  return kernel;
}

template <simd::Binary simd::VectorFunctions::*kFunction>
absl::StatusOr<std::unique_ptr<Kernel>> GradientVector(const KernelRequest& request) {
  STROP_ASSIGN_OR_RETURN(const bool has_float_lines, HasFloatLines(request));
  if (!has_float_lines) return nullptr;
  STROP_ASSIGN_OR_RETURN(const AxisView view, AxisView::Of(request));
  std::unique_ptr<Kernel> kernel = GradientKernel<float>(
      view, [](const float* dy, const float* y, float* dx, const AxisView& lines, int64_t) {
        (simd::Functions().*kFunction)(dy, y, dx, lines.n, nullptr);
      });
  kernel->implementation = VectorImplementation();
  return kernel;
}

// ---- Definitions

OpDefinition AlongAxis(OpDefinition definition) {
  definition.shapes = SoftmaxShape;
  return definition;
}

OpDefinition Probabilities(OpDefinition definition) {
  definition.probability_activation = ProbabilityActivation::kSoftmax;
  return AlongAxis(std::move(definition));
}

OpDefinition Hardmax() {
  OpDefinition definition = UnaryDefinition("Hardmax", 13, nullptr, {HardmaxGeneric});
  definition.differentiability = {Differentiability::kNotDifferentiable};
  return definition;
}

}  // namespace

const RegisteredFamily kSoftmax = {
    "softmax",
    {
        Probabilities(
            UnaryDefinition("Softmax", 13, GradientFromOutput,
                            {ForwardVector<&simd::VectorFunctions::softmax>, SoftmaxGeneric})),
        AlongAxis(UnaryGradientDefinition(
            "SoftmaxGradient",
            {GradientVector<&simd::VectorFunctions::softmax_gradient>, SoftmaxGradientGeneric})),
        Probabilities(UnaryDefinition(
            "LogSoftmax", 13, GradientFromOutput,
            {ForwardVector<&simd::VectorFunctions::log_softmax>, LogSoftmaxGeneric})),
        AlongAxis(UnaryGradientDefinition(
            "LogSoftmaxGradient", {GradientVector<&simd::VectorFunctions::log_softmax_gradient>,
                                   LogSoftmaxGradientGeneric})),
        AlongAxis(Hardmax()),
    }};

}  // namespace strop
