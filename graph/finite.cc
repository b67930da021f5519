#include "graph/finite.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "graph/visit_type.h"

namespace strop {

std::string DescribeNotFinite(const Tensor& tensor, DataType type) {
  std::string description;
  VisitFloating(tensor.type(), "finite", [&]<typename From>() {
    return VisitFloating(type, "finite", [&]<typename To>() {
      for (const From element : tensor.elements<From>()) {
        const auto number = static_cast<ComputeType<From>>(element);
        const To narrowed = static_cast<To>(static_cast<ComputeType<To>>(number));
        if (std::isfinite(static_cast<ComputeType<To>>(narrowed))) continue;
        description = absl::StrCat(number);
        if (std::isfinite(number)) {
          absl::StrAppend(&description, ", which ", std::string(DataTypeName(type)),
                          " cannot hold");
        }
        break;
      }
      return absl::OkStatus();
    });
  }).IgnoreError();  // other types are finite
  return description;
}

absl::StatusOr<Tensor> ConvertFinite(const Tensor& tensor, DataType type) {
  const std::string found = DescribeNotFinite(tensor, type);
  if (found.empty()) return ConvertTensor(tensor, type);
  return absl::FailedPreconditionError(
      absl::StrCat("found ", found, ", expected finite numbers; train with a lower rate"));
}

}  // namespace strop
