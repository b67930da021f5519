#pragma once

#include <memory>
#include <vector>

#include "graph/visit_type.h"
#include "ops/broadcast.h"
#include "ops/kernel.h"
#include "ops/parallel.h"
#include "ops/type_context.h"

namespace strop {

// Elements a thread takes at once: large enough to hide the fork, small enough to share.
inline constexpr int64_t kElementwiseGrain = 4096;

// Every present input must have input 0's element type, which the outputs take.
absl::Status MatchingElementTypes(ElementTypeContext& context);

// The layout in which an elementwise kernel may walk all its operands as flat arrays, set on
// `kernel`: the first opaque one found, if every operand has the output's shape or one element
// and the layout holds no padding; dense otherwise. Operands of one element stay dense.
void AdoptElementwiseLayout(const KernelRequest& request, Kernel& kernel);

// y[i] = function(x[i]) in T's compute type: the generic kernel of a unary operator.
// `make(node)` reads the attributes and returns the function, callable with float and double.
template <typename MakeFunction>
absl::StatusOr<std::unique_ptr<Kernel>> UnaryKernel(const KernelRequest& request,
                                                    MakeFunction make) {
  std::unique_ptr<Kernel> kernel;
  const absl::Status status =
      VisitFloating(request.inputs[0].type, request.node.op_type, [&]<typename T>() {
        const auto function = make(request.node);
        const int64_t count = request.outputs[0].element_count();
        kernel = MakeKernel([function, count](const KernelArguments& arguments) {
          const T* x = arguments.input<T>(0);
          T* y = arguments.output<T>(0);
          ParallelFor(count, kElementwiseGrain, [&](int64_t begin, int64_t end) {
            for (int64_t i = begin; i < end; ++i) {
              y[i] = static_cast<T>(function(static_cast<ComputeType<T>>(x[i])));
            }
          });
          return absl::OkStatus();
        });
        return absl::OkStatus();
      });
  if (!status.ok()) return status;
  AdoptElementwiseLayout(request, *kernel);
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
        const auto function = make(request.node);
        const int64_t count = request.outputs[0].element_count();
        kernel = MakeKernel([function, count](const KernelArguments& arguments) {
          const T* dy = arguments.input<T>(0);
          const T* x = arguments.input<T>(1);
          T* dx = arguments.output<T>(0);
          ParallelFor(count, kElementwiseGrain, [&](int64_t begin, int64_t end) {
            for (int64_t i = begin; i < end; ++i) {
              dx[i] = static_cast<T>(
                  function(static_cast<ComputeType<T>>(dy[i]), static_cast<ComputeType<T>>(x[i])));
            }
          });
          return absl::OkStatus();
        });
        return absl::OkStatus();
      });
  if (!status.ok()) return status;
  AdoptElementwiseLayout(request, *kernel);
  return kernel;
}

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

}  // namespace strop
