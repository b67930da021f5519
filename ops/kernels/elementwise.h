#pragma once

#include <memory>
#include <type_traits>
#include <vector>

#include "graph/visit_type.h"
#include "ops/core/kernel.h"
#include "ops/core/op_definition.h"
#include "ops/core/type_context.h"
#include "ops/kernels/broadcast.h"
#include "ops/kernels/parallel_for.h"

namespace strop {

// Elements a thread takes at once: large enough to hide the fork, small enough to share.
inline constexpr int64_t kElementwiseGrain = 4096;

// Every present input must have input 0's element type, which the outputs take.
absl::Status MatchingElementTypes(ElementTypeContext& context);
// The same, and it is not bool.
absl::Status MatchingNumbers(ElementTypeContext& context);
// InvalidArgument "node: found bool, expected numbers".
absl::Status NeedsNumbers(const Node& node);

// The layout in which an elementwise kernel may walk all its operands as flat arrays, set on
// `kernel`: the first opaque one found, if every operand has the output's shape and type, or one
// element, and the layout holds no padding; dense otherwise. Operands of one element stay dense.
void AdoptElementwiseLayout(const KernelRequest& request, Kernel& kernel);

// y = function(a, b) along a row; a broadcast operand steps by 0.
template <typename T, typename Y, typename Function>
void BinaryRow(const T* a, int64_t a_step, const T* b, int64_t b_step, Y* y, int64_t count,
               const Function& function) {
  using C = ComputeType<T>;
  const auto apply = [&](T left, T right) {
    return static_cast<Y>(function(static_cast<C>(left), static_cast<C>(right)));
  };
  if (a_step == 1 && b_step == 1) {
    for (int64_t i = 0; i < count; ++i) y[i] = apply(a[i], b[i]);
  } else if (a_step == 1) {
    for (int64_t i = 0; i < count; ++i) y[i] = apply(a[i], *b);
  } else {
    for (int64_t i = 0; i < count; ++i) y[i] = apply(*a, b[i * b_step]);
  }
}

// y = function(a, b) of two broadcast operands of element type T.
template <typename T, typename Y, typename Function>
std::unique_ptr<Kernel> MakeBinaryKernel(const KernelRequest& request, Function function) {
  auto kernel = MakeKernel([walk = WalkOf(request), function](const KernelArguments& arguments) {
    const T* a = arguments.input<T>(0);
    const T* b = arguments.input<T>(1);
    Y* y = arguments.output<Y>(0);
    walk.ParallelForEachRow(kElementwiseGrain, [&](const BroadcastWalk::Row& row) {
      BinaryRow(a + row.offsets[0], walk.inner_step(0), b + row.offsets[1], walk.inner_step(1),
                y + row.begin, row.count, function);
    });
    return absl::OkStatus();
  });
  AdoptElementwiseLayout(request, *kernel);
  return kernel;
}

// y = function(a, b, c) of three broadcast operands of element type T.
template <typename T, typename Function>
std::unique_ptr<Kernel> MakeTernaryKernel(const KernelRequest& request, Function function) {
  auto kernel = MakeKernel([walk = WalkOf(request), function](const KernelArguments& arguments) {
    using C = ComputeType<T>;
    T* y = arguments.output<T>(0);
    const int64_t steps[] = {walk.inner_step(0), walk.inner_step(1), walk.inner_step(2)};
    walk.ParallelForEachRow(kElementwiseGrain, [&](const BroadcastWalk::Row& row) {
      const T* a = arguments.input<T>(0) + row.offsets[0];
      const T* b = arguments.input<T>(1) + row.offsets[1];
      const T* c = arguments.input<T>(2) + row.offsets[2];
      for (int64_t i = 0; i < row.count; ++i) {
        y[row.begin + i] = static_cast<T>(function(static_cast<C>(a[i * steps[0]]),
                                                   static_cast<C>(b[i * steps[1]]),
                                                   static_cast<C>(c[i * steps[2]])));
      }
    });
    return absl::OkStatus();
  });
  AdoptElementwiseLayout(request, *kernel);
  return kernel;
}

// Signed overflow is undefined in C++, so integers are computed modulo 2^64 and cut.
struct MulFunction {
  template <typename T>
  T operator()(T a, T b) const {
    if constexpr (std::is_integral_v<T>) return static_cast<T>(static_cast<uint64_t>(a) * b);
    return a * b;
  }
};

// y = function(a, b) on every numeric type.
template <typename Function>
absl::StatusOr<std::unique_ptr<Kernel>> NumericBinaryKernel(const KernelRequest& request,
                                                            Function function) {
  std::unique_ptr<Kernel> kernel;
  const absl::Status status =
      VisitNumeric(request.inputs[0].type, request.node.op_type, [&]<typename T>() {
        if constexpr (std::is_same_v<T, bool>) {
          return NeedsNumbers(request.node);
        } else {
          kernel = MakeBinaryKernel<T, T>(request, function);
          return absl::OkStatus();
        }
      });
  if (!status.ok()) return status;
  return kernel;
}

// y = function(a, b, c) on floating tensors.
template <typename Function>
absl::StatusOr<std::unique_ptr<Kernel>> TernaryKernel(const KernelRequest& request,
                                                      Function function) {
  std::unique_ptr<Kernel> kernel;
  const absl::Status status =
      VisitFloating(request.inputs[0].type, request.node.op_type, [&]<typename T>() {
        kernel = MakeTernaryKernel<T>(request, function);
        return absl::OkStatus();
      });
  if (!status.ok()) return status;
  return kernel;
}

// dX = <Op>Gradient(dY, X), with the node's own attributes.
absl::Status GradientFromInput(GradientContext& context);
// dX = <Op>Gradient(dY, Y): the input need not be kept.
absl::Status GradientFromOutput(GradientContext& context);

// A differentiable function of one tensor, element by element, and the operator of its gradient,
// which takes (dY, X) or (dY, Y).
// The same definition with an output that is worth measuring.
OpDefinition Watched(OpDefinition definition, OutputWatch watch = {});

OpDefinition UnaryDefinition(std::string_view name, int since_version,
                             absl::Status (*gradient)(GradientContext&),
                             std::vector<KernelFactory> kernels);
OpDefinition UnaryGradientDefinition(std::string_view name, std::vector<KernelFactory> kernels);

// y[i] = function(x[i]), computed in T's compute type.
template <typename T, typename Y, typename Function>
std::unique_ptr<Kernel> MakeUnaryKernel(const KernelRequest& request, Function function) {
  const int64_t count = request.outputs[0].element_count();
  auto kernel = MakeKernel([function, count](const KernelArguments& arguments) {
    const T* x = arguments.input<T>(0);
    Y* y = arguments.output<Y>(0);
    ParallelFor(count, kElementwiseGrain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        y[i] = static_cast<Y>(function(static_cast<ComputeType<T>>(x[i])));
      }
    });
    return absl::OkStatus();
  });
  AdoptElementwiseLayout(request, *kernel);
  return kernel;
}

// The generic kernel of a unary operator on floating tensors. `make(node)` reads the attributes
// and returns the function, callable with float and double.
template <typename MakeFunction>
absl::StatusOr<std::unique_ptr<Kernel>> UnaryKernel(const KernelRequest& request,
                                                    MakeFunction make) {
  std::unique_ptr<Kernel> kernel;
  const absl::Status status =
      VisitFloating(request.inputs[0].type, request.node.op_type, [&]<typename T>() {
        kernel = MakeUnaryKernel<T, T>(request, make(request.node));
        return absl::OkStatus();
      });
  if (!status.ok()) return status;
  return kernel;
}

// The same where the spec has integers too.
template <typename MakeFunction>
absl::StatusOr<std::unique_ptr<Kernel>> NumericUnaryKernel(const KernelRequest& request,
                                                           MakeFunction make) {
  std::unique_ptr<Kernel> kernel;
  const absl::Status status =
      VisitNumeric(request.inputs[0].type, request.node.op_type, [&]<typename T>() {
        if constexpr (std::is_same_v<T, bool>) {
          return NeedsNumbers(request.node);
        } else {
          kernel = MakeUnaryKernel<T, T>(request, make(request.node));
          return absl::OkStatus();
        }
      });
  if (!status.ok()) return status;
  return kernel;
}

// dx[i] = function(dy[i], x[i]): the generic kernel of a unary operator's gradient, whose inputs
// are (dY, X) or (dY, Y).
template <typename MakeFunction>
absl::StatusOr<std::unique_ptr<Kernel>> UnaryGradientKernel(const KernelRequest& request,
                                                            MakeFunction make) {
  std::unique_ptr<Kernel> kernel;
  const absl::Status status =
      VisitFloating(request.inputs[0].type, request.node.op_type, [&]<typename T>() {
        kernel = MakeBinaryKernel<T, T>(request, make(request.node));
        return absl::OkStatus();
      });
  if (!status.ok()) return status;
  return kernel;
}

// UnaryKernel and UnaryGradientKernel of a function without attributes.
template <typename Function>
absl::StatusOr<std::unique_ptr<Kernel>> Unary(const KernelRequest& request) {
  return UnaryKernel(request, [](const Node&) { return Function(); });
}
template <typename Function>
absl::StatusOr<std::unique_ptr<Kernel>> UnaryGradient(const KernelRequest& request) {
  return UnaryGradientKernel(request, [](const Node&) { return Function(); });
}

}  // namespace strop
