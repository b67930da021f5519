#pragma once

#include <vector>

#include "ops/kernels/contraction.h"

namespace strop {

// The products of a time step have few rows and the same right operand at every step: both operands
// are kept packed for the register tile, the right one for the whole sequence.

// A[rows,depth] in groups of kTileRows rows, written element by element by the cell.
template <typename T>
class PackedRows {
 public:
  PackedRows(T* data, int64_t rows, int64_t depth) : data_(data), rows_(rows), depth_(depth) {}

  static int64_t Elements(int64_t rows, int64_t depth) {
    return (rows + kTileRows - 1) / kTileRows * kTileRows * depth;
  }

  T& at(int64_t row, int64_t column) const {
    return data_[(row / kTileRows * depth_ + column) * kTileRows + row % kTileRows];
  }
  // Rows beyond the edge must hold numbers too.
  void Clear() const { std::fill_n(data_, Elements(rows_, depth_), T{0}); }

  const T* data() const { return data_; }
  int64_t rows() const { return rows_; }
  int64_t depth() const { return depth_; }

 private:
  T* data_;
  int64_t rows_;
  int64_t depth_;
};

// B[depth,columns] in panels as wide as the tile.
template <typename T>
class PackedColumns {
 public:
  // Packs `source` into `space`, which holds Elements(depth, columns).
  PackedColumns(Matrix<const T> source, int64_t depth, int64_t columns, T* space)
      : kernel_(BestTileKernel<T>()), data_(space), depth_(depth), columns_(columns) {
    ParallelFor(panels(), 1, [&](int64_t begin, int64_t end) {
      const int64_t from = begin * kernel_.columns;
      PackRows<T>(source.At(0, from).Transposed(), std::min(columns_, end * kernel_.columns) - from,
                  depth_, kernel_.columns, space + from * depth_);
    });
  }

  static int64_t Elements(int64_t depth, int64_t columns) {
    const int64_t width = BestTileKernel<T>().columns;
    return (columns + width - 1) / width * width * depth;
  }

  // C[rows,columns] += A·B.
  void AddProduct(const PackedRows<T>& a, Matrix<T> c) const {
    constexpr int64_t kGrainProducts = 1 << 16;
    const int64_t panel_products = std::max<int64_t>(a.rows() * depth_ * kernel_.columns, 1);
    ParallelFor(panels(), std::max<int64_t>(kGrainProducts / panel_products, 1),
                [&](int64_t begin, int64_t end) {
                  for (int64_t panel = begin; panel < end; ++panel) AddPanel(a, panel, c);
                });
  }

 private:
  int64_t panels() const { return (columns_ + kernel_.columns - 1) / kernel_.columns; }

  void AddPanel(const PackedRows<T>& a, int64_t panel, Matrix<T> c) const {
    alignas(64) T tile[kTileRows * kMaximumTileBytes / sizeof(T)];
    const int64_t column = panel * kernel_.columns;
    const int64_t width = std::min(kernel_.columns, columns_ - column);
    for (int64_t row = 0; row < a.rows(); row += kTileRows) {
      kernel_.multiply(depth_, a.data() + row * depth_, data_ + column * depth_, tile);
      StoreTile<T, T>(tile, kernel_.columns, std::min(kTileRows, a.rows() - row), width, T{1}, true,
                      c.At(row, column));
    }
  }

  TileKernel<T> kernel_;
  const T* data_;
  int64_t depth_;
  int64_t columns_;
};

// C[rows,columns] = A[depth,rows]ᵀ·B[depth,columns]: a weight's gradient over all time steps.
// Strides are those of consecutive rows of A, B and C.
template <typename T>
void WeightGradient(int64_t rows, int64_t columns, int64_t depth, const T* a, int64_t a_stride,
                    const T* b, int64_t b_stride, T* c, void* workspace) {
  const Contraction plan = PlanContraction({{.size = rows, .a = 1, .c = columns},
                                            {.size = columns, .b = 1, .c = 1},
                                            {.size = depth, .a = a_stride, .b = b_stride}});
  Contract<T>(plan, a, b, c, T{1}, false, workspace);
}

// C[rows,columns] (+)= A[rows,depth]·B with B[depth,columns] by its strides; A and C are dense.
template <typename T>
void SequenceProduct(int64_t rows, int64_t columns, int64_t depth, const T* a, Matrix<const T> b,
                     T* c, bool accumulate, void* workspace) {
  const Contraction plan = PlanContraction({{.size = rows, .a = depth, .c = columns},
                                            {.size = columns, .b = b.column_stride, .c = 1},
                                            {.size = depth, .a = 1, .b = b.row_stride}});
  Contract<T>(plan, a, b.data, c, T{1}, accumulate, workspace);
}

// sums[j] = Σ_i matrix[i, j], rows in order.
template <typename T>
void ColumnSums(const T* matrix, int64_t rows, int64_t columns, T* sums) {
  constexpr int64_t kGrain = 64;
  ParallelFor(columns, kGrain, [&](int64_t begin, int64_t end) {
    std::fill(sums + begin, sums + end, T{0});
    for (int64_t i = 0; i < rows; ++i) {
      for (int64_t j = begin; j < end; ++j) sums[j] += matrix[i * columns + j];
    }
  });
}

}  // namespace strop
