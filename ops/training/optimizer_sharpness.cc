// The ascent of sharpness-aware minimization: Foret et al. 2021, "Sharpness-Aware Minimization for
// Efficiently Improving Generalization"; adaptive: Kwon et al. 2021, "ASAM: Adaptive
// Sharpness-Aware Minimization for Scale-Invariant Learning of Deep Neural Networks".
//
//   SharpnessAscent(p, g, norm) {rho, adaptive}
//       y = p + rho/(norm + 1e-12)·g, norm = ‖g‖ over all parameters together
//       adaptive: y = p + rho/(norm + 1e-12)·p²·g, norm = ‖p·g‖
//
// p, g and y have one shape and type, norm is one floating number.

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "graph/visit_type.h"
#include "ops/core/family.h"
#include "ops/kernels/element_access.h"
#include "ops/kernels/elementwise.h"

namespace strop {
namespace {

constexpr size_t kGradient = 1;
constexpr size_t kNorm = 2;

// ---- Attributes

struct AscentAttributes {
  double rho;
  bool is_adaptive;
  explicit AscentAttributes(const Node& node)
      : rho(node.attributes.Float("rho", 0.05)),
        is_adaptive(node.attributes.Int("adaptive", 0) != 0) {}
};

// ---- Type rules

absl::Status AscentElementTypes(ElementTypeContext& context) {
  STROP_RETURN_IF_ERROR(context.Expect(kGradient, context.input(0)));
  STROP_RETURN_IF_ERROR(context.ExpectFloating(kNorm));
  return SameElementTypeAsInput0(context);
}

absl::Status AscentShapes(ShapeContext& context) {
  if (context.input(kGradient) != context.input(0)) {
    return context.Mismatch(absl::StrCat("a gradient of shape ", ShapeName(context.input(1))),
                            ShapeName(context.input(0)));
  }
  if (!context.input(kNorm).empty()) {
    return context.Mismatch(absl::StrCat("a norm of shape ", ShapeName(context.input(kNorm))),
                            "a scalar");
  }
  return SameShapeAsInput0(context);
}

// ---- Kernels

// Zeros stay zeros, so that every layout will do, padding included: the parameter's.
int64_t AdoptParameterLayout(const KernelRequest& request, Kernel& kernel) {
  const TensorDescription& parameter = request.inputs[0];
  if (parameter.layout == nullptr) return parameter.element_count();
  kernel.input_layouts = {parameter.layout, parameter.layout, nullptr};
  kernel.output_layouts = {parameter.layout};
  return static_cast<int64_t>(parameter.layout->bytes() * 8) / BitsPerElement(parameter.type);
}

template <bool kIsAdaptive, typename T>
void Ascend(const T* p, const T* g, double step, T* y, int64_t count) {
  using C = ComputeType<T>;
  const C scale = static_cast<C>(step);
  ParallelFor(count, kElementwiseGrain, [=](int64_t begin, int64_t end) {
#pragma omp simd
    for (int64_t i = begin; i < end; ++i) {
      const C value = static_cast<C>(p[i]);
      C direction = static_cast<C>(g[i]);
      if constexpr (kIsAdaptive) direction *= value * value;
      y[i] = static_cast<T>(value + scale * direction);
    }
  });
}

absl::StatusOr<std::unique_ptr<Kernel>> SharpnessAscentKernel(const KernelRequest& request) {
  const AscentAttributes attributes(request.node);
  auto kernel = std::make_unique<Kernel>();
  const int64_t count = AdoptParameterLayout(request, *kernel);
  kernel->implementation = "vector";
  const DataType norm_type = request.inputs[kNorm].type;
  STROP_RETURN_IF_ERROR(
      VisitFloating(request.inputs[0].type, request.node.op_type, [&]<typename T>() {
        kernel->run = [=](const KernelArguments& arguments) {
          const double norm = ReadElement(norm_type, arguments.inputs[kNorm], 0);
          const double step = attributes.rho / (norm + 1e-12);
          const T* p = arguments.input<T>(0);
          const T* g = arguments.input<T>(kGradient);
          T* y = arguments.output<T>(0);
          attributes.is_adaptive ? Ascend<true>(p, g, step, y, count)
                                 : Ascend<false>(p, g, step, y, count);
          return absl::OkStatus();
        };
        return absl::OkStatus();
      }));
  return kernel;
}

// ---- Definition

OpDefinition SharpnessAscent() {
  return {.name = "SharpnessAscent",
          .domain = kStropDomain,
          .minimum_inputs = 3,
          .maximum_inputs = 3,
          .element_types = AscentElementTypes,
          .shapes = AscentShapes,
          .differentiability = {Differentiability::kNotImplemented},
          .kernels = {SharpnessAscentKernel},
          .in_place = {{1, 0}}};
}

}  // namespace

const RegisteredFamily kOptimizerSharpness = {"optimizer_sharpness", {SharpnessAscent()}};

}  // namespace strop
