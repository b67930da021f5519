#pragma once

#include <omp.h>

#include <vector>

#include "ops/kernels/matrix_product.h"
#include "ops/kernels/parallel_for.h"

namespace strop {

// One index of a contraction C = Σ A·B: its range, and by how many elements it steps through each
// operand. A stride is 0 where the operand does not have the index, or is broadcast along it.
struct ContractionDimension {
  int64_t size = 1;
  int64_t a = 0;
  int64_t b = 0;
  int64_t c = 0;
};

// A contraction of two tensors as matrix products: C[outer,row,column] =
// Σ over outer_depth and depth of A[outer,row,outer_depth,depth]·B[outer,outer_depth,depth,column].
struct Contraction {
  ContractionDimension rows;                      // in A and C
  ContractionDimension columns;                   // in B and C
  ContractionDimension depth;                     // not in C
  std::vector<ContractionDimension> outer;        // in C; all that is left
  std::vector<ContractionDimension> outer_depth;  // not in C; all that is left
  bool exchanges_operands = false;                // A above is the caller's B: Cᵀ = Bᵀ·Aᵀ

  int64_t outer_count() const;
  int64_t outer_depth_count() const;
};

// Drops indices of size 1, joins those that step through all operands as one, and takes the longest
// of each kind for the matrix product. Indices stand in the order of C's or the operands' axes.
Contraction PlanContraction(std::vector<ContractionDimension> dimensions);

// Where each operand of one product starts.
struct ContractionOffsets {
  int64_t a = 0;
  int64_t b = 0;
  int64_t c = 0;
};

// Of the `index`-th combination of `dimensions`, counted with the last fastest.
ContractionOffsets OffsetsOf(const std::vector<ContractionDimension>& dimensions, int64_t index);

// The same sizes and strides with A and B exchanged.
std::vector<ContractionDimension> ExchangeOperands(std::vector<ContractionDimension> dimensions);

template <typename T>
size_t ContractionWorkspaceBytes() {
  return ProductWorkspaceBytes<T>() * static_cast<size_t>(omp_get_max_threads());
}

// How one product is cut so that every thread has work.
struct ContractionSplit {
  int64_t row_pieces = 1;
  int64_t column_pieces = 1;
  int64_t piece_rows = 1;
  int64_t piece_columns = 1;
  int64_t grain = 1;  // pieces that one thread takes at least
};
ContractionSplit SplitContraction(const Contraction& contraction);

// C = alpha·ΣA·B, or C += alpha·ΣA·B.
template <typename T>
void Contract(const Contraction& contraction, const T* a, const T* b, T* c, ComputeType<T> alpha,
              bool accumulate, void* workspace) {
  if (contraction.exchanges_operands) std::swap(a, b);
  const ContractionDimension& row = contraction.rows;
  const ContractionDimension& column = contraction.columns;
  const ContractionDimension& depth = contraction.depth;
  const ContractionSplit split = SplitContraction(contraction);
  const int64_t pieces = split.row_pieces * split.column_pieces;
  const int64_t depths = contraction.outer_depth_count();
  ParallelFor(contraction.outer_count() * pieces, split.grain, [&](int64_t begin, int64_t end) {
    void* const scratch =
        static_cast<char*>(workspace) + ProductWorkspaceBytes<T>() * omp_get_thread_num();
    for (int64_t task = begin; task < end; ++task) {
      const ContractionOffsets at = OffsetsOf(contraction.outer, task / pieces);
      const int64_t i = task % pieces / split.column_pieces * split.piece_rows;
      const int64_t j = task % split.column_pieces * split.piece_columns;
      for (int64_t index = 0; index < std::max<int64_t>(depths, 1); ++index) {
        const ContractionOffsets term = OffsetsOf(contraction.outer_depth, index);
        Product<T>(std::min(split.piece_rows, row.size - i),
                   std::min(split.piece_columns, column.size - j), depths == 0 ? 0 : depth.size,
                   Matrix<const T>{a + at.a + term.a, row.a, depth.a}.At(i, 0),
                   Matrix<const T>{b + at.b + term.b, depth.b, column.b}.At(0, j),
                   Matrix<T>{c + at.c, row.c, column.c}.At(i, j), alpha, accumulate || index > 0,
                   scratch);
      }
    }
  });
}

}  // namespace strop
