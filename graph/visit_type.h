#pragma once

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "graph/data_type.h"

namespace strop {

// Calls `visitor.template operator()<T>()` with the C++ type of a floating element type and returns
// its Status; InvalidArgument naming `what` for any other type.
template <typename Visitor>
absl::Status VisitFloating(DataType type, std::string_view what, Visitor&& visitor) {
  switch (type) {
    case DataType::kFloat:
      return visitor.template operator()<float>();
    case DataType::kDouble:
      return visitor.template operator()<double>();
    case DataType::kFloat16:
      return visitor.template operator()<Float16>();
    case DataType::kBFloat16:
      return visitor.template operator()<BFloat16>();
    default:
      return absl::InvalidArgumentError(absl::StrCat(
          std::string(what), " takes floating tensors, found ", std::string(DataTypeName(type))));
  }
}

// The same over every numeric type and bool.
template <typename Visitor>
absl::Status VisitNumeric(DataType type, std::string_view what, Visitor&& visitor) {
  switch (type) {
    case DataType::kInt8:
      return visitor.template operator()<int8_t>();
    case DataType::kInt16:
      return visitor.template operator()<int16_t>();
    case DataType::kInt32:
      return visitor.template operator()<int32_t>();
    case DataType::kInt64:
      return visitor.template operator()<int64_t>();
    case DataType::kUint8:
      return visitor.template operator()<uint8_t>();
    case DataType::kUint16:
      return visitor.template operator()<uint16_t>();
    case DataType::kUint32:
      return visitor.template operator()<uint32_t>();
    case DataType::kUint64:
      return visitor.template operator()<uint64_t>();
    case DataType::kBool:
      return visitor.template operator()<bool>();
    default:
      return VisitFloating(type, what, std::forward<Visitor>(visitor));
  }
}

// The type that arithmetic on T runs in: float for the half types, T itself for the others.
template <typename T>
struct ComputeTypeOf {
  using type = T;
};
template <>
struct ComputeTypeOf<Float16> {
  using type = float;
};
template <>
struct ComputeTypeOf<BFloat16> {
  using type = float;
};
template <typename T>
using ComputeType = typename ComputeTypeOf<T>::type;

}  // namespace strop
