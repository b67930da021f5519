#pragma once

#include <memory>
#include <vector>

#include "graph/visit_type.h"
#include "ops/kernel.h"
#include "ops/parallel.h"

namespace strop {

// Elements a thread takes at once: large enough to hide the fork, small enough to share.
inline constexpr int64_t kElementwiseGrain = 4096;

// The layout in which an elementwise kernel may walk all its operands as flat arrays, set on
// `kernel`: the first opaque one found, if every operand that has elements has the output's shape
// and the layout holds no padding; dense otherwise.
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

}  // namespace strop
