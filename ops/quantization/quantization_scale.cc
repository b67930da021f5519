#include "ops/quantization/quantization_scale.h"

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"

namespace strop {

absl::StatusOr<QuantizationScale> QuantizationScale::Create(const Node& node, const Shape& tensor,
                                                            const Shape& scale, int64_t axis,
                                                            int64_t block) {
  const auto mismatch = [&](const std::string& expected) {
    return absl::InvalidArgumentError(absl::StrCat(NodeLabel(node), ": found a scale of shape ",
                                                   ShapeName(scale), " for ", ShapeName(tensor),
                                                   ", expected ", expected));
  };
  QuantizationScale map;
  if (block == 0 && (scale.empty() || scale == Shape{1})) {
    map.inner_ = std::max<int64_t>(ElementCount(tensor), 1);
    return map;
  }
  absl::StatusOr<int64_t> normalized = NormalizeAxis(axis, static_cast<int64_t>(tensor.size()));
  if (!normalized.ok()) return mismatch(absl::StrCat("an axis inside it, not ", axis));
  const auto at = static_cast<size_t>(*normalized);
  map.axis_ = std::max<int64_t>(tensor[at], 1);
  for (size_t i = at + 1; i < tensor.size(); ++i) map.inner_ *= std::max<int64_t>(tensor[i], 1);
  if (block == 0) {
    if (scale != Shape{tensor[at]}) return mismatch(absl::StrCat("[", tensor[at], "]"));
    return map;
  }
  Shape expected = tensor;
  if (block < 0) return mismatch(absl::StrCat("a block size of 1 or more, not ", block));
  expected[at] = (tensor[at] + block - 1) / block;
  if (scale != expected) return mismatch(ShapeName(expected));
  map.block_ = block;
  map.scales_ = std::max<int64_t>(expected[at], 1);
  return map;
}

}  // namespace strop
