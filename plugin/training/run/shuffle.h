#pragma once

#include <cstdint>
#include <vector>

namespace strop {

// The order in which an epoch visits `count` samples: a permutation that depends on (seed, epoch)
// and nothing else, so that a resumed run visits what an uninterrupted one does. Fisher and Yates's
// shuffle, its i-th draw a hash of (seed, epoch, i) by SplitMix64's finalizer.
std::vector<int64_t> ShuffledOrder(int64_t count, uint64_t seed, uint64_t epoch);

}  // namespace strop
