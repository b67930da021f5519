#pragma once

#include <cmath>
#include <cstdint>

#include "absl/status/statusor.h"
#include "graph/split_mix.h"
#include "graph/tensor.h"

namespace strop {

// Elements of a fresh linear layer, uniform in ±1/√inputs as PyTorch's Linear draws weight and
// bias, each from (seed, stream, index) alone; rounded to `type`.
inline absl::StatusOr<Tensor> FreshLinear(DataType type, const Shape& shape, int64_t inputs,
                                          uint64_t seed, uint64_t stream) {
  const double bound = 1 / std::sqrt(static_cast<double>(inputs));
  Tensor fresh(DataType::kDouble, shape);
  uint64_t index = 0;
  for (double& element : fresh.mutable_elements<double>()) {
    const uint64_t bits = SplitMix64(seed + kSplitMixStep * index++ + 0xd1342543de82ef95u * stream);
    element = bound * (static_cast<double>(bits >> 11) * 0x1p-52 - 1.0);
  }
  return ConvertTensor(fresh, type);
}

}  // namespace strop
