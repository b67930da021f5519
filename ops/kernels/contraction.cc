#include "ops/kernels/contraction.h"

#include <tuple>
#include <utility>

namespace strop {
namespace {

enum class IndexKind { kOuter, kRow, kColumn, kDepth };

IndexKind KindOf(const ContractionDimension& index) {
  if (index.c == 0) return IndexKind::kDepth;
  if (index.b == 0) return IndexKind::kRow;
  if (index.a == 0) return IndexKind::kColumn;
  return IndexKind::kOuter;
}

// True if stepping `inner` to its end and `outer` once is the same step in every operand.
bool CanJoin(const ContractionDimension& outer, const ContractionDimension& inner) {
  return KindOf(outer) == KindOf(inner) && outer.a == inner.a * inner.size &&
         outer.b == inner.b * inner.size && outer.c == inner.c * inner.size;
}

// Joins one pair; false when there is none.
bool JoinOnce(std::vector<ContractionDimension>& dimensions) {
  for (size_t i = 0; i < dimensions.size(); ++i) {
    for (size_t j = 0; j < dimensions.size(); ++j) {
      if (i == j || !CanJoin(dimensions[i], dimensions[j])) continue;
      dimensions[j].size *= dimensions[i].size;
      dimensions.erase(dimensions.begin() + static_cast<std::ptrdiff_t>(i));
      return true;
    }
  }
  return false;
}

// Takes the longest index of that kind out of the list; one of size 1 when there is none.
ContractionDimension TakeLongest(std::vector<ContractionDimension>& dimensions, IndexKind kind) {
  int best = -1;
  for (int i = 0; i < static_cast<int>(dimensions.size()); ++i) {
    if (KindOf(dimensions[i]) != kind) continue;
    if (best < 0 || dimensions[i].size >= dimensions[best].size) best = i;
  }
  if (best < 0) return {};
  const ContractionDimension taken = dimensions[best];
  dimensions.erase(dimensions.begin() + best);
  return taken;
}

int64_t Count(const std::vector<ContractionDimension>& dimensions) {
  int64_t count = 1;
  for (const ContractionDimension& dimension : dimensions) count *= dimension.size;
  return count;
}

// Below this many multiplications a product stays on one thread.
constexpr int64_t kParallelThreshold = 1 << 17;

}  // namespace

int64_t Contraction::outer_count() const { return Count(outer); }

int64_t Contraction::outer_depth_count() const { return Count(outer_depth); }

std::vector<ContractionDimension> ExchangeOperands(std::vector<ContractionDimension> dimensions) {
  for (ContractionDimension& dimension : dimensions) std::swap(dimension.a, dimension.b);
  return dimensions;
}

Contraction PlanContraction(std::vector<ContractionDimension> dimensions) {
  std::erase_if(dimensions, [](const ContractionDimension& index) { return index.size == 1; });
  while (JoinOnce(dimensions)) {
  }
  Contraction plan;
  plan.rows = TakeLongest(dimensions, IndexKind::kRow);
  plan.columns = TakeLongest(dimensions, IndexKind::kColumn);
  plan.depth = TakeLongest(dimensions, IndexKind::kDepth);
  for (const ContractionDimension& dimension : dimensions) {
    (dimension.c == 0 ? plan.outer_depth : plan.outer).push_back(dimension);
  }
  // A tile is stored row by row: C's consecutive elements are best the columns.
  if (plan.rows.c == 1) {
    plan.exchanges_operands = true;
    std::swap(plan.rows, plan.columns);
    for (ContractionDimension* index : {&plan.rows, &plan.columns, &plan.depth}) {
      std::swap(index->a, index->b);
    }
    plan.outer = ExchangeOperands(std::move(plan.outer));
    plan.outer_depth = ExchangeOperands(std::move(plan.outer_depth));
  }
  return plan;
}

ContractionOffsets OffsetsOf(const std::vector<ContractionDimension>& dimensions, int64_t index) {
  ContractionOffsets offsets;
  for (size_t i = dimensions.size(); i-- > 0;) {
    const ContractionDimension& dimension = dimensions[i];
    if (dimension.size == 0) return offsets;
    const int64_t position = index % dimension.size;
    index /= dimension.size;
    offsets.a += position * dimension.a;
    offsets.b += position * dimension.b;
    offsets.c += position * dimension.c;
  }
  return offsets;
}

ContractionSplit SplitContraction(const Contraction& contraction) {
  ContractionSplit split;
  const int64_t rows = contraction.rows.size;
  const int64_t columns = contraction.columns.size;
  split.piece_rows = std::max<int64_t>(rows, 1);
  split.piece_columns = std::max<int64_t>(columns, 1);
  const int64_t work = std::max<int64_t>(
      rows * columns * contraction.depth.size * contraction.outer_depth_count(), 1);
  const int64_t threads = omp_get_max_threads();
  if (work < kParallelThreshold || contraction.outer_count() >= 4 * threads) {
    split.grain = std::max<int64_t>(kParallelThreshold / work, 1);
    return split;
  }
  // Pieces are whole tiles.
  const auto piece = [threads](int64_t size, int64_t tile) {
    return (size + threads * tile - 1) / (threads * tile) * tile;
  };
  if (rows >= columns) {
    split.piece_rows = piece(rows, kTileRows);
    split.row_pieces = (rows + split.piece_rows - 1) / split.piece_rows;
  } else {
    split.piece_columns = piece(columns, kMaximumTileBytes / 4);
    split.column_pieces = (columns + split.piece_columns - 1) / split.piece_columns;
  }
  return split;
}

}  // namespace strop
