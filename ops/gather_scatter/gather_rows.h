#pragma once

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "graph/visit_type.h"
#include "ops/core/kernel.h"
#include "ops/gather_scatter/indices.h"
#include "ops/kernels/parallel_for.h"

namespace strop {

// How Gather, GatherND and ScatterND address a tensor: as `outer` tables of `rows` rows of `inner`
// contiguous elements, out of each of which `picks` rows are taken. Gather picks the same rows of
// every table; the ND operators pick by index tuples, each table by its own.
struct RowMap {
  int64_t outer = 1;
  int64_t rows = 1;
  int64_t picks = 1;
  int64_t inner = 1;
  bool is_shared = false;  // the same picks in every table
  Shape tuple;             // the extents that an index tuple counts in; one for Gather
  Shape tuple_strides;     // in rows

  // Bytes for the row numbers that Resolve writes.
  size_t resolved_bytes() const {
    return static_cast<size_t>(is_shared ? picks : outer * picks) * sizeof(int64_t);
  }

  // Turns indices into row numbers in [0, rows); InvalidArgument for one out of range.
  absl::Status Resolve(const std::string& node_label, const Indices& indices,
                       int64_t* resolved) const;

  // Number of the row that pick `pick` of table `table` takes, counted over all tables.
  int64_t RowOf(const int64_t* resolved, int64_t table, int64_t pick) const {
    return table * rows + resolved[is_shared ? pick : table * picks + pick];
  }

  // Calls visit(row, pick number over all tables) for every pick, in the order of the picks.
  // Parallel over ranges of rows, so that a row belongs to one thread.
  template <typename Visit>
  void ForEachPick(const int64_t* resolved, const Visit& visit) const {
    ParallelFor(outer * rows, 1, [&](int64_t begin, int64_t end) {
      for (int64_t table = begin / rows; table * rows < end; ++table) {
        for (int64_t pick = 0; pick < picks; ++pick) {
          const int64_t row = RowOf(resolved, table, pick);
          if (row >= begin && row < end) visit(row, table * picks + pick);
        }
      }
    });
  }
};

// Of Gather: `axis` of a tensor of shape `data`.
RowMap GatherMap(const Shape& data, const Shape& indices, size_t axis);

// Of GatherND and ScatterND.
RowMap TupleMap(const Shape& data, const Shape& indices, size_t batch_dimensions);

// dX = 0, then dX[row] += dY[pick] for every pick: inputs (dY, X:shape-only, indices). Sums of half
// types are kept in float.
absl::StatusOr<std::unique_ptr<Kernel>> AddRowsKernel(const KernelRequest& request,
                                                      const RowMap& map);

}  // namespace strop
