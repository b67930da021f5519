// What is gathered over several steps: a state a takes in a tensor x of its own shape and type.
//
//   Accumulate(a, x, keep)     y = keep ≠ 0 ? a + x : x; the second output, a rank-0 double,
//                              is 1, or NaN where x is not finite
//   MoveAverage(a, x, w)       y = a + w·(x − a), as torch.lerp: from w = 0.5 on
//                              y = x − (1 − w)·(x − a), so that w = 1 gives x itself
//
// keep and w are one floating number each. A running sum begins with keep = 0, a running mean of n
// tensors with w = 1/n, an exponential one has w = 1 − decay.

#include <atomic>
#include <limits>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "ops/core/family.h"
#include "ops/kernels/block_sum.h"
#include "ops/kernels/element_access.h"
#include "ops/kernels/elementwise.h"
#include "ops/kernels/within.h"

namespace strop {
namespace {

constexpr size_t kScalar = 2;
constexpr size_t kHealth = 1;  // output

// ---- Type rules

absl::Status StateElementTypes(ElementTypeContext& context) {
  STROP_RETURN_IF_ERROR(context.Expect(1, context.input(0)));
  STROP_RETURN_IF_ERROR(context.ExpectFloating(kScalar));
  STROP_RETURN_IF_ERROR(SameElementTypeAsInput0(context));
  context.set_output(kHealth, DataType::kDouble);
  return absl::OkStatus();
}

absl::Status StateShapes(ShapeContext& context) {
  if (context.input(1) != context.input(0)) {
    return context.Mismatch(absl::StrCat("input 1 of shape ", ShapeName(context.input(1))),
                            ShapeName(context.input(0)));
  }
  if (!context.input(kScalar).empty()) {
    return context.Mismatch(absl::StrCat("input 2 of shape ", ShapeName(context.input(kScalar))),
                            "a scalar");
  }
  STROP_RETURN_IF_ERROR(SameShapeAsInput0(context));
  context.set_output(kHealth, {});
  return absl::OkStatus();
}

// ---- Kernels

// In place over a: element i of y depends on element i of a and x alone.
struct Accumulation {
  template <typename T>
  static void Apply(const T* a, const T* x, double keep, T* y, int64_t begin, int64_t end) {
    using C = ComputeType<T>;
    if (keep == 0) {
      if (x != y) std::copy(x + begin, x + end, y + begin);
      return;
    }
#pragma omp simd
    for (int64_t i = begin; i < end; ++i) {
      y[i] = static_cast<T>(static_cast<C>(a[i]) + static_cast<C>(x[i]));
    }
  }
};

struct MovingAverage {
  template <typename T>
  static void Apply(const T* a, const T* x, double weight, T* y, int64_t begin, int64_t end) {
    using C = ComputeType<T>;
    const C taken = static_cast<C>(weight);
    const C kept = static_cast<C>(1) - taken;
    if (taken < static_cast<C>(0.5)) {
#pragma omp simd
      for (int64_t i = begin; i < end; ++i) {
        const C from = static_cast<C>(a[i]);
        y[i] = static_cast<T>(from + taken * (static_cast<C>(x[i]) - from));
      }
      return;
    }
#pragma omp simd
    for (int64_t i = begin; i < end; ++i) {
      const C to = static_cast<C>(x[i]);
      y[i] = static_cast<T>(to - kept * (to - static_cast<C>(a[i])));
    }
  }
};

template <typename T>
bool IsFinite(const T* x, int64_t count) {
  return AreWithin(x, count, std::numeric_limits<ComputeType<T>>::max());
}

template <typename Function>
absl::StatusOr<std::unique_ptr<Kernel>> StateKernel(const KernelRequest& request) {
  const int64_t count = request.outputs[0].element_count();
  const DataType scalar_type = request.inputs[kScalar].type;
  std::unique_ptr<Kernel> kernel;
  STROP_RETURN_IF_ERROR(
      VisitFloating(request.inputs[0].type, request.node.op_type, [&]<typename T>() {
        kernel = MakeKernel([=](const KernelArguments& arguments) {
          const double scalar = ReadElement(scalar_type, arguments.inputs[kScalar], 0);
          const T* a = arguments.input<T>(0);
          const T* x = arguments.input<T>(1);
          T* y = arguments.output<T>(0);
          double* health = arguments.output<double>(kHealth);
          std::atomic<bool> is_finite = true;
          ParallelFor(count, kElementwiseGrain, [&](int64_t first, int64_t last) {
            for (int64_t begin = first; begin < last; begin += kSumBlock) {
              const int64_t end = std::min(last, begin + kSumBlock);
              if (health != nullptr && !IsFinite(x + begin, end - begin)) is_finite = false;
              Function::Apply(a, x, scalar, y, begin, end);
            }
          });
          if (health != nullptr) {
            *health = is_finite ? 1 : std::numeric_limits<double>::quiet_NaN();
          }
          return absl::OkStatus();
        });
        return absl::OkStatus();
      }));
  kernel->implementation = "vector";
  AdoptElementwiseLayout(request, *kernel);
  if (kernel->output_layouts.size() > kHealth) kernel->output_layouts[kHealth] = nullptr;
  return kernel;
}

// ---- Definitions

template <typename Function>
OpDefinition StateOp(std::string_view name, int maximum_outputs) {
  return {.name = name,
          .domain = kStropDomain,
          .minimum_inputs = 3,
          .maximum_inputs = 3,
          .maximum_outputs = maximum_outputs,
          .element_types = StateElementTypes,
          .shapes = StateShapes,
          .differentiability = {Differentiability::kNotImplemented},
          .kernels = {StateKernel<Function>},
          .in_place = {{0, 0}, {1, 0}}};
}

}  // namespace

const RegisteredFamily kAccumulation = {"accumulation",
                                        {
                                            StateOp<Accumulation>("Accumulate", 2),
                                            StateOp<MovingAverage>("MoveAverage", 1),
                                        }};

}  // namespace strop
