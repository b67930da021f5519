#pragma once

#include <omp.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "ops/channel_layout.h"
#include "ops/parallel.h"

namespace strop {

// Sums over all axes of a tensor but its channels, for statistics and gradients of what is one
// number a channel. Terms are added in the element type in runs of kReductionRun, runs in double:
// as exact as pairwise summation, and the same bits for the same number of threads.
inline constexpr int64_t kReductionRun = 128;

// Lanes that a channel block is cut into, so that the sums of a run stay in registers.
inline constexpr int64_t kReductionLanes = 16;

// Threads that share one channel's elements.
struct ChannelReductionSplit {
  int64_t parts = 1;        // of the batch and spatial axes
  int64_t lane_groups = 1;  // of the channels

  explicit ChannelReductionSplit(const ChannelLayout& layout) {
    const int64_t width = std::min(layout.block, kReductionLanes);
    lane_groups = layout.blocks() * ((layout.block + width - 1) / width);
    const int64_t threads = omp_get_max_threads();
    constexpr int64_t kSmallPart = 1024;
    const int64_t rows = layout.batch * layout.spatial;
    if (lane_groups < 4 * threads) {
      parts = std::clamp<int64_t>(rows / kSmallPart, 1, 4 * threads);
    }
  }
};

// Workspace of ReduceChannels.
inline size_t ChannelReductionBytes(const ChannelLayout& layout, int64_t sums) {
  const ChannelReductionSplit split(layout);
  return static_cast<size_t>(split.parts * layout.padded_channels() * sums) * sizeof(double);
}

// Adds term(channel, i) over the rows [begin, end) of `width` lanes that start at `channel`;
// i is the element's index. A row is one position of batch and space.
template <typename T, size_t kSums, typename Term>
void ReduceRows(const ChannelLayout& layout, int64_t channel, int64_t width, int64_t begin,
                int64_t end, const Term& term, double* totals) {
  const int64_t block = channel / layout.block;
  const int64_t lane = channel % layout.block;
  const auto index = [&](int64_t row) {
    const int64_t n = row / layout.spatial;
    const int64_t s = row % layout.spatial;
    return ((n * layout.blocks() + block) * layout.spatial + s) * layout.block + lane;
  };
  std::fill_n(totals, kSums * width, 0.0);
  for (int64_t row = begin; row < end;) {
    const int64_t run = std::min({kReductionRun, end - row, layout.spatial - row % layout.spatial});
    const int64_t first = index(row);
    if (width == 1) {
      std::array<T, kSums> sums = {};
      constexpr int64_t kStreams = 16;
      std::array<std::array<T, kStreams>, kSums> streams = {};
      int64_t r = 0;
      for (; r + kStreams <= run; r += kStreams) {
        for (int64_t j = 0; j < kStreams; ++j) {
          const std::array<T, kSums> terms = term(channel, first + (r + j) * layout.block);
          for (size_t k = 0; k < kSums; ++k) streams[k][static_cast<size_t>(j)] += terms[k];
        }
      }
      for (; r < run; ++r) {
        const std::array<T, kSums> terms = term(channel, first + r * layout.block);
        for (size_t k = 0; k < kSums; ++k) sums[k] += terms[k];
      }
      for (size_t k = 0; k < kSums; ++k) {
        for (const T stream : streams[k]) sums[k] += stream;
        totals[k] += static_cast<double>(sums[k]);
      }
    } else {
      std::array<std::array<T, kReductionLanes>, kSums> sums = {};
      const auto add_row = [&](int64_t at, int64_t lanes) {
        for (int64_t j = 0; j < lanes; ++j) {
          const std::array<T, kSums> terms = term(channel + j, at + j);
          for (size_t k = 0; k < kSums; ++k) sums[k][static_cast<size_t>(j)] += terms[k];
        }
      };
      if (width == kReductionLanes) {
        for (int64_t r = 0; r < run; ++r) add_row(first + r * layout.block, kReductionLanes);
      } else {
        for (int64_t r = 0; r < run; ++r) add_row(first + r * layout.block, width);
      }
      for (size_t k = 0; k < kSums; ++k) {
        for (int64_t j = 0; j < width; ++j) {
          totals[k * static_cast<size_t>(width) + static_cast<size_t>(j)] +=
              static_cast<double>(sums[k][static_cast<size_t>(j)]);
        }
      }
    }
    row += run;
  }
}

// Calls store(channel, sums) with sums[k] = Σ term(channel, i)[k] over the channel's elements i.
// `term` returns std::array<T, kSums>; it is also asked for padding channels, whose sums are
// dropped.
template <typename T, size_t kSums, typename Term, typename Store>
void ReduceChannels(const ChannelLayout& layout, const Term& term, const Store& store,
                    void* workspace) {
  const ChannelReductionSplit split(layout);
  const int64_t rows = layout.batch * layout.spatial;
  const int64_t groups_per_block = split.lane_groups / layout.blocks();
  double* const totals = static_cast<double*>(workspace);
  const int64_t stride = layout.padded_channels() * static_cast<int64_t>(kSums);
  const auto channel_of = [&](int64_t group) {
    return group / groups_per_block * layout.block + group % groups_per_block * kReductionLanes;
  };
  const auto width_of = [&](int64_t group) {
    return std::min(kReductionLanes, layout.block - group % groups_per_block * kReductionLanes);
  };
  ParallelFor(split.lane_groups * split.parts, 1, [&](int64_t begin, int64_t end) {
    for (int64_t item = begin; item < end; ++item) {
      const int64_t part = item / split.lane_groups;
      const int64_t group = item % split.lane_groups;
      const int64_t channel = channel_of(group);
      ReduceRows<T, kSums>(layout, channel, width_of(group), rows * part / split.parts,
                           rows * (part + 1) / split.parts, term,
                           totals + part * stride + channel * static_cast<int64_t>(kSums));
    }
  });
  for (int64_t group = 0; group < split.lane_groups; ++group) {
    const int64_t channel = channel_of(group);
    const int64_t width = width_of(group);
    for (int64_t j = 0; j < width && channel + j < layout.channels; ++j) {
      std::array<double, kSums> sums = {};
      for (int64_t part = 0; part < split.parts; ++part) {
        const double* from = totals + part * stride + channel * static_cast<int64_t>(kSums);
        for (size_t k = 0; k < kSums; ++k) sums[k] += from[static_cast<int64_t>(k) * width + j];
      }
      store(channel + j, sums);
    }
  }
}

}  // namespace strop
