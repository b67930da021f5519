#pragma once

#include <cstddef>

namespace strop {

// `bytes` of a workspace, rounded up so that what lies behind them is aligned as it is: to 64.
constexpr size_t AlignedBytes(size_t bytes) { return (bytes + 63) / 64 * 64; }

}  // namespace strop
