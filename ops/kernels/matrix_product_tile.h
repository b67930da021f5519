#pragma once

#include <cstdint>

#include "graph/data_type.h"

namespace strop {

// Rows of the register tile that every product is made of.
inline constexpr int64_t kTileRows = 6;

// No tile is wider than this many bytes per row (two vectors of 64 bytes).
inline constexpr int64_t kMaximumTileBytes = 128;

// tile[i·columns + j] = Σ_p a[p·kTileRows + i] · b[p·columns + j], for p in [0, depth).
template <typename T>
using TileFunction = void (*)(int64_t depth, const T* a, const T* b, T* tile);

// How this processor multiplies a tile of T.
template <typename T>
struct TileKernel {
  int64_t columns;
  TileFunction<T> multiply;
};

// The integers take plain loops.
template <typename T>
TileKernel<T> BestTileKernel() {
  constexpr int64_t kColumns = 8;
  return {kColumns, [](int64_t depth, const T* a, const T* b, T* tile) {
            for (int64_t i = 0; i < kTileRows * kColumns; ++i) tile[i] = 0;
            for (int64_t p = 0; p < depth; ++p) {
              for (int64_t i = 0; i < kTileRows; ++i) {
                for (int64_t j = 0; j < kColumns; ++j) {
                  tile[i * kColumns + j] += a[p * kTileRows + i] * b[p * kColumns + j];
                }
              }
            }
          }};
}

template <>
TileKernel<float> BestTileKernel<float>();
template <>
TileKernel<double> BestTileKernel<double>();

}  // namespace strop
