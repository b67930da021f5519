#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "graph/tensor_type.h"
#include "ops/kernels/parallel_for.h"

namespace strop {

// How a dense tensor is walked when some of its axes are reduced. Neighbouring axes of one kind are
// merged, which leaves two cases:
//
//   the last axis is reduced: a group's elements come in contiguous rows; `columns` is 1
//   the last axis is kept:    `columns` groups lie side by side; they are walked together, in tiles
//
// A group is one element of the result; groups are numbered row-major. The split into work items
// depends on shapes alone, never on the number of threads.
struct Reduction {
  static constexpr int64_t kTile = 128;  // columns that a work item holds accumulators for
  static constexpr int64_t kParts = 16;  // work items that share a group, where groups are few

  Shape kept_shape, kept_strides;        // without the last axis if it is the columns
  Shape reduced_shape, reduced_strides;  // the contiguous rows come last
  bool contiguous_rows = false;          // the last axis is reduced
  int64_t columns = 1;
  int64_t outer_count = 1;    // groups / columns
  int64_t reduced_count = 1;  // elements a group
  int64_t tiles = 1;          // of the columns
  int64_t parts = 1;          // of the reduced elements

  // `is_reduced` has one flag per axis of `shape`.
  Reduction(absl::Span<const int64_t> shape, const std::vector<bool>& is_reduced);

  int64_t group_count() const { return outer_count * columns; }
  int64_t item_count() const { return outer_count * tiles * parts; }

  // Offset of an element of the kept (or reduced) index space that `shape` and `strides` span.
  static int64_t Offset(const Shape& shape, const Shape& strides, int64_t index);

  // One work item: `width` neighbouring groups and a range of their reduced elements.
  struct Item {
    int64_t group = 0;  // the first
    int64_t width = 1;
    int64_t part = 0;
    int64_t offset = 0;  // of the first group's first element
    int64_t reduced_begin = 0;
    int64_t reduced_end = 0;
  };
  Item ItemAt(int64_t index) const;

  // Calls visit(item) for every work item, in parallel; serially within a group's part.
  template <typename Visit>
  void ForEachItem(const Visit& visit) const {
    if (group_count() == 0) return;
    const int64_t grain =
        std::max<int64_t>(1, item_count() * 8192 / (group_count() * reduced_count + 1));
    ParallelFor(item_count(), grain, [&](int64_t begin, int64_t end) {
      for (int64_t index = begin; index < end; ++index) visit(ItemAt(index));
    });
  }

  // Calls visit(offset, length, position) for every contiguous run of the item's elements: a row of
  // one group (its first element is the group's `position`-th), or one element of each of the
  // item's groups.
  template <typename Visit>
  void ForEachRun(const Item& item, const Visit& visit) const {
    const int64_t row = contiguous_rows ? reduced_shape.back() : 1;
    for (int64_t i = item.reduced_begin; i < item.reduced_end;) {
      const int64_t run = std::min(row - i % row, item.reduced_end - i);
      visit(item.offset + Offset(reduced_shape, reduced_strides, i),
            contiguous_rows ? run : item.width, i);
      i += run;
    }
  }
};

}  // namespace strop
