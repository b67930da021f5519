#pragma once

#include <cstdint>
#include <vector>

#include "absl/types/span.h"

namespace strop {

// The order in which an epoch visits `count` samples: a permutation that depends on (seed, epoch)
// and nothing else, so that a resumed run visits what an uninterrupted one does. Fisher and Yates's
// shuffle, its i-th draw a hash of (seed, epoch, i) by SplitMix64's finalizer.
std::vector<int64_t> ShuffledOrder(int64_t count, uint64_t seed, uint64_t epoch);

// The same samples in batches of like length, as Hugging Face's LengthGroupedSampler: of every
// min(50, batches / 4) batches of `order`, one after the other, the samples are sorted by `lengths`,
// longest first. Then the full batches change places at random, by (seed, epoch) as above; one that
// is not full stays the last.
std::vector<int64_t> GroupedByLength(std::vector<int64_t> order, absl::Span<const int64_t> lengths,
                                     int64_t batch_size, uint64_t seed, uint64_t epoch);

}  // namespace strop
