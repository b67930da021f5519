#pragma once

#include <cstdint>

#include "graph/data_type.h"

namespace strop {

// One element of a floating buffer, for operands that are small beside the tensor (one number a
// channel) and may have another element type. Zero for types that are not floating.
inline double ReadElement(DataType type, const void* elements, int64_t index) {
  switch (type) {
    case DataType::kFloat:
      return static_cast<const float*>(elements)[index];
    case DataType::kDouble:
      return static_cast<const double*>(elements)[index];
    case DataType::kFloat16:
      return static_cast<float>(static_cast<const Float16*>(elements)[index]);
    case DataType::kBFloat16:
      return static_cast<float>(static_cast<const BFloat16*>(elements)[index]);
    default:
      return 0;
  }
}

inline void WriteElement(DataType type, void* elements, int64_t index, double value) {
  switch (type) {
    case DataType::kFloat:
      static_cast<float*>(elements)[index] = static_cast<float>(value);
      break;
    case DataType::kDouble:
      static_cast<double*>(elements)[index] = value;
      break;
    case DataType::kFloat16:
      static_cast<Float16*>(elements)[index] = Float16(static_cast<float>(value));
      break;
    case DataType::kBFloat16:
      static_cast<BFloat16*>(elements)[index] = BFloat16(static_cast<float>(value));
      break;
    default:
      break;
  }
}

}  // namespace strop
