#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "graph/visit_type.h"
#include "ops/kernels/matrix_product_tile.h"
#include "ops/kernels/workspace.h"

namespace strop {

// A matrix by its strides, counted in elements: a transpose is the two strides exchanged.
template <typename T>
struct Matrix {
  T* data = nullptr;
  int64_t row_stride = 0;
  int64_t column_stride = 0;

  Matrix At(int64_t row, int64_t column) const {
    return {data + row * row_stride + column * column_stride, row_stride, column_stride};
  }
  Matrix Transposed() const { return {data, column_stride, row_stride}; }
};

// Blocks of the product: a block of A stays in the second cache, a panel of B in the first.
inline constexpr int64_t kBlockRows = 72;
inline constexpr int64_t kBlockDepth = 192;
inline constexpr int64_t kBlockColumns = 256;

// Bytes that one thread's Product needs, a multiple of 64.
template <typename T>
constexpr size_t ProductWorkspaceBytes() {
  constexpr size_t kElements = kBlockRows * kBlockDepth + kBlockDepth * kBlockColumns +
                               kBlockRows * kBlockColumns +
                               kTileRows * (kMaximumTileBytes / sizeof(ComputeType<T>));
  return AlignedBytes(kElements * sizeof(ComputeType<T>));
}

// packed[t][p][i] = source[t·width + i, p]: the rows in groups of `width`, zeros beyond the edge.
template <typename T>
void PackRows(Matrix<const T> source, int64_t rows, int64_t depth, int64_t width,
              ComputeType<T>* packed) {
  using Compute = ComputeType<T>;
  for (int64_t begin = 0; begin < rows; begin += width, packed += width * depth) {
    const int64_t count = std::min(width, rows - begin);
    const Matrix<const T> group = source.At(begin, 0);
    if (count < width) std::fill_n(packed, width * depth, Compute{0});
    if (group.row_stride == 1) {
      for (int64_t p = 0; p < depth; ++p) {
        const T* from = group.data + p * group.column_stride;
        for (int64_t i = 0; i < count; ++i) {
          packed[p * width + i] = static_cast<Compute>(from[i]);
        }
      }
      continue;
    }
    for (int64_t i = 0; i < count; ++i) {
      const T* from = group.data + i * group.row_stride;
      for (int64_t p = 0; p < depth; ++p) {
        packed[p * width + i] = static_cast<Compute>(from[p * group.column_stride]);
      }
    }
  }
}

// C = alpha·tile, or C += alpha·tile.
template <typename Compute, typename C>
void StoreTile(const Compute* tile, int64_t tile_columns, int64_t rows, int64_t columns,
               Compute alpha, bool accumulate, Matrix<C> c) {
  for (int64_t i = 0; i < rows; ++i) {
    const Compute* from = tile + i * tile_columns;
    C* to = c.data + i * c.row_stride;
    const int64_t step = c.column_stride;
    if (accumulate) {
      for (int64_t j = 0; j < columns; ++j) {
        to[j * step] = static_cast<C>(static_cast<Compute>(to[j * step]) + alpha * from[j]);
      }
    } else {
      for (int64_t j = 0; j < columns; ++j) to[j * step] = static_cast<C>(alpha * from[j]);
    }
  }
}

// C (+)= alpha·A·B for blocks packed by PackRows.
template <typename Compute, typename C>
void MultiplyPackedBlocks(const TileKernel<Compute>& kernel, int64_t rows, int64_t columns,
                          int64_t depth, const Compute* a, const Compute* b, Matrix<C> c,
                          Compute alpha, bool accumulate, Compute* tile) {
  for (int64_t j = 0; j < columns; j += kernel.columns) {
    for (int64_t i = 0; i < rows; i += kTileRows) {
      kernel.multiply(depth, a + i * depth, b + j * depth, tile);
      StoreTile(tile, kernel.columns, std::min(kTileRows, rows - i),
                std::min(kernel.columns, columns - j), alpha, accumulate, c.At(i, j));
    }
  }
}

// C[rows,columns] = alpha·A[rows,depth]·B[depth,columns], added to C if `accumulate`; on the
// calling thread, in blocks that fit the caches. Half types are summed in float. An element's terms
// are added in the same order whatever part of C is asked for: any split of the work gives the same
// bits.
template <typename T>
void Product(int64_t rows, int64_t columns, int64_t depth, Matrix<const T> a, Matrix<const T> b,
             Matrix<T> c, ComputeType<T> alpha, bool accumulate, void* workspace) {
  using Compute = ComputeType<T>;
  const TileKernel<Compute> kernel = BestTileKernel<Compute>();
  Compute* packed_a = static_cast<Compute*>(workspace);
  Compute* packed_b = packed_a + kBlockRows * kBlockDepth;
  Compute* tile = packed_b + kBlockDepth * kBlockColumns;
  Compute* sums = tile + kTileRows * kMaximumTileBytes / sizeof(Compute);
  const Matrix<Compute> sum_block = {sums, kBlockColumns, 1};
  const auto multiply = [&](int64_t i, int64_t j, int64_t p, auto to, Compute scale, bool add) {
    const int64_t block_rows = std::min(kBlockRows, rows - i);
    const int64_t block_depth = std::min(kBlockDepth, depth - p);
    PackRows(a.At(i, p), block_rows, block_depth, kTileRows, packed_a);
    MultiplyPackedBlocks(kernel, block_rows, std::min(kBlockColumns, columns - j), block_depth,
                         packed_a, packed_b, to, scale, add, tile);
  };
  const auto pack_b = [&](int64_t p, int64_t j) {
    PackRows(b.At(p, j).Transposed(), std::min(kBlockColumns, columns - j),
             std::min(kBlockDepth, depth - p), kernel.columns, packed_b);
  };
  // One block of depth is taken even when depth is 0, so that C is set.
  const int64_t depth_end = std::max<int64_t>(depth, 1);
  for (int64_t j = 0; j < columns; j += kBlockColumns) {
    if constexpr (std::is_same_v<T, Compute>) {
      for (int64_t p = 0; p < depth_end; p += kBlockDepth) {
        pack_b(p, j);
        for (int64_t i = 0; i < rows; i += kBlockRows) {
          multiply(i, j, p, c.At(i, j), alpha, accumulate || p > 0);
        }
      }
    } else {
      for (int64_t i = 0; i < rows; i += kBlockRows) {
        for (int64_t p = 0; p < depth_end; p += kBlockDepth) {
          pack_b(p, j);
          multiply(i, j, p, sum_block, Compute{1}, p > 0);
        }
        StoreTile(sums, kBlockColumns, std::min(kBlockRows, rows - i),
                  std::min(kBlockColumns, columns - j), alpha, accumulate, c.At(i, j));
      }
    }
  }
}

}  // namespace strop
