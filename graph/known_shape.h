#pragma once

#include <algorithm>

#include "graph/tensor_type.h"

namespace strop {

// Whether the type says its rank and every dimension.
inline bool IsShapeKnown(const TensorType& type) {
  return type.shape && std::count(type.shape->begin(), type.shape->end(), kUnknownDimension) == 0;
}

}  // namespace strop
