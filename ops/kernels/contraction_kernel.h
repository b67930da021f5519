#pragma once

#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "graph/visit_type.h"
#include "ops/core/kernel.h"
#include "ops/kernels/contraction.h"

namespace strop {

// Calls `visitor` with the C++ type of an element type that ONNX's products take.
template <typename Visitor>
absl::Status VisitProduct(DataType type, std::string_view what, Visitor&& visitor) {
  switch (type) {
    case DataType::kInt32:
      return visitor.template operator()<int32_t>();
    case DataType::kInt64:
      return visitor.template operator()<int64_t>();
    case DataType::kUint32:
      return visitor.template operator()<uint32_t>();
    case DataType::kUint64:
      return visitor.template operator()<uint64_t>();
    default:
      return VisitFloating(type, what, std::forward<Visitor>(visitor));
  }
}

// Output 0 = Σ input 0 · input 1 over the given indices: the generic kernel of a product.
inline absl::StatusOr<std::unique_ptr<Kernel>> ContractionKernel(
    const KernelRequest& request, std::vector<ContractionDimension> dimensions) {
  std::unique_ptr<Kernel> kernel;
  const absl::Status status =
      VisitProduct(request.inputs[0].type, request.node.op_type, [&]<typename T>() {
        kernel = MakeKernel(
            [plan = PlanContraction(std::move(dimensions))](const KernelArguments& arguments) {
              Contract<T>(plan, arguments.input<T>(0), arguments.input<T>(1),
                          arguments.output<T>(0), ComputeType<T>{1}, false, arguments.workspace);
              return absl::OkStatus();
            },
            ContractionWorkspaceBytes<T>());
        return absl::OkStatus();
      });
  if (!status.ok()) return status;
  return kernel;
}

}  // namespace strop
