#include "ops/kernels/reduction_walk.h"

namespace strop {
namespace {

// Elements below which one group's reduction is not worth sharing.
constexpr int64_t kPartElements = 4096;

// Appends an axis, merging it with the one before if that steps over this one exactly.
void AppendAxis(int64_t extent, int64_t stride, bool adjacent, Shape& shape, Shape& strides) {
  if (adjacent) {
    shape.back() *= extent;
    strides.back() = stride;
    return;
  }
  shape.push_back(extent);
  strides.push_back(stride);
}

}  // namespace

Reduction::Reduction(absl::Span<const int64_t> shape, const std::vector<bool>& is_reduced) {
  const Shape strides = DenseStrides(shape);
  bool last_is_reduced = false;
  bool is_first = true;
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    if (shape[axis] == 1) continue;
    const bool reduced = is_reduced[axis];
    const bool adjacent = !is_first && reduced == last_is_reduced;
    if (reduced) {
      AppendAxis(shape[axis], strides[axis], adjacent, reduced_shape, reduced_strides);
    } else {
      AppendAxis(shape[axis], strides[axis], adjacent, kept_shape, kept_strides);
    }
    last_is_reduced = reduced;
    is_first = false;
  }
  contiguous_rows = is_first || last_is_reduced;
  if (is_first) {
    reduced_shape = {1};
    reduced_strides = {1};
  }
  if (!contiguous_rows) {
    columns = kept_shape.back();
    kept_shape.pop_back();
    kept_strides.pop_back();
  }
  outer_count = ElementCount(kept_shape);
  reduced_count = ElementCount(reduced_shape);
  tiles = (columns + kTile - 1) / kTile;
  const int64_t share = reduced_count * std::min(columns, kTile) / kPartElements;
  if (outer_count * tiles < kParts && share > 1) {
    parts = std::min({kParts, share, reduced_count});
  }
}

int64_t Reduction::Offset(const Shape& shape, const Shape& strides, int64_t index) {
  int64_t offset = 0;
  for (size_t axis = shape.size(); axis-- > 0;) {
    offset += index % shape[axis] * strides[axis];
    index /= shape[axis];
  }
  return offset;
}

Reduction::Item Reduction::ItemAt(int64_t index) const {
  Item item;
  item.part = index % parts;
  const int64_t tile = index / parts % tiles;
  const int64_t outer = index / parts / tiles;
  item.group = outer * columns + tile * kTile;
  item.width = std::min(kTile, columns - tile * kTile);
  item.offset = Offset(kept_shape, kept_strides, outer) + tile * kTile;
  item.reduced_begin = reduced_count * item.part / parts;
  item.reduced_end = reduced_count * (item.part + 1) / parts;
  return item;
}

}  // namespace strop
