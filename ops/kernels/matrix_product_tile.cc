// The register tile of matrix products: 6 rows by two vectors, twelve accumulators, so that one
// source fits the sixteen registers of AVX2 and hides the latency of AVX-512 alike.

#include "ops/kernels/matrix_product_tile.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/kernels/matrix_product_tile.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace strop {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

template <typename T>
using TileTag = hn::CappedTag<T, kMaximumTileBytes / 2 / sizeof(T)>;

template <typename T>
void MultiplyTile(int64_t depth, const T* HWY_RESTRICT a, const T* HWY_RESTRICT b,
                  T* HWY_RESTRICT tile) {
  const TileTag<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  auto c00 = hn::Zero(d), c01 = hn::Zero(d);
  auto c10 = hn::Zero(d), c11 = hn::Zero(d);
  auto c20 = hn::Zero(d), c21 = hn::Zero(d);
  auto c30 = hn::Zero(d), c31 = hn::Zero(d);
  auto c40 = hn::Zero(d), c41 = hn::Zero(d);
  auto c50 = hn::Zero(d), c51 = hn::Zero(d);
  for (int64_t p = 0; p < depth; ++p) {
    const auto b0 = hn::Load(d, b);
    const auto b1 = hn::Load(d, b + lanes);
    const auto a0 = hn::Set(d, a[0]);
    c00 = hn::MulAdd(a0, b0, c00);
    c01 = hn::MulAdd(a0, b1, c01);
    const auto a1 = hn::Set(d, a[1]);
    c10 = hn::MulAdd(a1, b0, c10);
    c11 = hn::MulAdd(a1, b1, c11);
    const auto a2 = hn::Set(d, a[2]);
    c20 = hn::MulAdd(a2, b0, c20);
    c21 = hn::MulAdd(a2, b1, c21);
    const auto a3 = hn::Set(d, a[3]);
    c30 = hn::MulAdd(a3, b0, c30);
    c31 = hn::MulAdd(a3, b1, c31);
    const auto a4 = hn::Set(d, a[4]);
    c40 = hn::MulAdd(a4, b0, c40);
    c41 = hn::MulAdd(a4, b1, c41);
    const auto a5 = hn::Set(d, a[5]);
    c50 = hn::MulAdd(a5, b0, c50);
    c51 = hn::MulAdd(a5, b1, c51);
    a += kTileRows;
    b += 2 * lanes;
  }
  hn::Store(c00, d, tile);
  hn::Store(c01, d, tile + lanes);
  hn::Store(c10, d, tile + 2 * lanes);
  hn::Store(c11, d, tile + 3 * lanes);
  hn::Store(c20, d, tile + 4 * lanes);
  hn::Store(c21, d, tile + 5 * lanes);
  hn::Store(c30, d, tile + 6 * lanes);
  hn::Store(c31, d, tile + 7 * lanes);
  hn::Store(c40, d, tile + 8 * lanes);
  hn::Store(c41, d, tile + 9 * lanes);
  hn::Store(c50, d, tile + 10 * lanes);
  hn::Store(c51, d, tile + 11 * lanes);
}

TileKernel<float> FloatTile() {
  return {2 * static_cast<int64_t>(hn::Lanes(TileTag<float>())), MultiplyTile<float>};
}

TileKernel<double> DoubleTile() {
  return {2 * static_cast<int64_t>(hn::Lanes(TileTag<double>())), MultiplyTile<double>};
}

}  // namespace HWY_NAMESPACE
}  // namespace strop
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace strop {

HWY_EXPORT(FloatTile);
HWY_EXPORT(DoubleTile);

template <>
TileKernel<float> BestTileKernel<float>() {
  static const TileKernel<float> kernel = HWY_DYNAMIC_DISPATCH(FloatTile)();
  return kernel;
}

template <>
TileKernel<double> BestTileKernel<double>() {
  static const TileKernel<double> kernel = HWY_DYNAMIC_DISPATCH(DoubleTile)();
  return kernel;
}

}  // namespace strop
#endif  // HWY_ONCE
