#pragma once

#include <omp.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "ops/kernels/channel_layout.h"
#include "ops/kernels/parallel_for.h"

namespace strop {

// Loops over tensors [N,C,…] in any channel layout, for what is one number per channel: statistics,
// affine maps, their gradients. A row is one position of batch and space; a lane group is what lies
// side by side in a row: one channel (dense), a block of 16 or less, or all channels.

// Terms are added in the element type in runs of at most this many rows, runs in double: nearly as
// exact as sums in double, and the same bits for the same number of threads.
inline constexpr int64_t kReductionRun = 128;

// Blocks up to this many lanes are summed in registers.
inline constexpr int64_t kRegisterLanes = 16;

// Index of the element of `channel` in `row`.
inline int64_t ElementIndex(const ChannelLayout& layout, int64_t channel, int64_t row) {
  const int64_t n = row / layout.spatial;
  const int64_t s = row % layout.spatial;
  return ((n * layout.blocks() + channel / layout.block) * layout.spatial + s) * layout.block +
         channel % layout.block;
}

// Parts that the rows of every lane group are cut into, so that every thread has work.
inline int64_t RowParts(const ChannelLayout& layout) {
  constexpr int64_t kSmallestPart = 1024;
  const int64_t threads = omp_get_max_threads();
  if (layout.blocks() >= 2 * threads) return 1;
  return std::clamp<int64_t>(layout.batch * layout.spatial / kSmallestPart, 1, 4 * threads);
}

// Workspace of ReduceChannels and ReduceThenMap: totals in double, then the sums of runs.
inline size_t ChannelReductionBytes(const ChannelLayout& layout, int64_t sums) {
  return static_cast<size_t>(RowParts(layout) * layout.padded_channels() * sums) *
         (sizeof(double) + sizeof(double));
}

// Calls apply(channel, i) for the elements of the lane group `block` in the rows [begin, end).
template <typename Apply>
void MapRows(const ChannelLayout& layout, int64_t block, int64_t begin, int64_t end,
             const Apply& apply) {
  const int64_t channel = block * layout.block;
  for (int64_t row = begin; row < end;) {
    const int64_t run = std::min(end - row, layout.spatial - row % layout.spatial);
    const int64_t first = ElementIndex(layout, channel, row);
    if (layout.block == 1) {
#pragma GCC ivdep
      for (int64_t r = 0; r < run; ++r) apply(channel, first + r);
    } else if (layout.block == kRegisterLanes) {
      for (int64_t r = 0; r < run; ++r) {
#pragma GCC ivdep
        for (int64_t j = 0; j < kRegisterLanes; ++j) {
          apply(channel + j, first + r * kRegisterLanes + j);
        }
      }
    } else {
      for (int64_t r = 0; r < run; ++r) {
#pragma GCC ivdep
        for (int64_t j = 0; j < layout.block; ++j) apply(channel + j, first + r * layout.block + j);
      }
    }
    row += run;
  }
}

// totals[k·block + j] = Σ term(channel, i)[k] over the rows [begin, end) of a lane group. `runs`
// holds kSums·block elements.
template <typename T, size_t kSums, typename Term>
class RowReduction {
 public:
  RowReduction(const ChannelLayout& layout, const Term& term) : layout_(layout), term_(term) {}

  void Sum(int64_t block, int64_t begin, int64_t end, double* totals, T* runs) const {
    std::fill_n(totals, static_cast<int64_t>(kSums) * layout_.block, 0.0);
    const int64_t channel = block * layout_.block;
    for (int64_t row = begin; row < end;) {
      const int64_t run =
          std::min({kReductionRun, end - row, layout_.spatial - row % layout_.spatial});
      const int64_t first = ElementIndex(layout_, channel, row);
      if (layout_.block == 1) {
        SumRun(channel, first, run, runs);
      } else if (layout_.block == kRegisterLanes) {
        SumRegisterLanes(channel, first, run, runs);
      } else {
        SumLanes(channel, first, run, runs);
      }
      for (int64_t j = 0; j < static_cast<int64_t>(kSums) * layout_.block; ++j) {
        totals[j] += static_cast<double>(runs[j]);
      }
      row += run;
    }
  }

 private:
  // Adjacent elements of one channel, in as many streams as fill a vector register.
  void SumRun(int64_t channel, int64_t first, int64_t count, T* runs) const {
    constexpr int64_t kStreams = kRegisterLanes;
    T streams[kSums][kStreams] = {};
    int64_t r = 0;
    for (; r + kStreams <= count; r += kStreams) {
      for (int64_t j = 0; j < kStreams; ++j) {
        const std::array<T, kSums> terms = term_(channel, first + r + j);
        for (size_t k = 0; k < kSums; ++k) streams[k][j] += terms[k];
      }
    }
    for (; r < count; ++r) {
      const std::array<T, kSums> terms = term_(channel, first + r);
      for (size_t k = 0; k < kSums; ++k) streams[k][0] += terms[k];
    }
    for (size_t k = 0; k < kSums; ++k) {
      runs[k] = 0;
      for (const T stream : streams[k]) runs[k] += stream;
    }
  }

  void SumRegisterLanes(int64_t channel, int64_t first, int64_t count, T* runs) const {
    T sums[kSums][kRegisterLanes] = {};
    for (int64_t r = 0; r < count; ++r) {
      for (int64_t j = 0; j < kRegisterLanes; ++j) {
        const std::array<T, kSums> terms = term_(channel + j, first + r * kRegisterLanes + j);
        for (size_t k = 0; k < kSums; ++k) sums[k][j] += terms[k];
      }
    }
    for (size_t k = 0; k < kSums; ++k)
      std::copy_n(sums[k], kRegisterLanes, runs + k * kRegisterLanes);
  }

  void SumLanes(int64_t channel, int64_t first, int64_t count, T* runs) const {
    const int64_t block = layout_.block;
    std::fill_n(runs, static_cast<int64_t>(kSums) * block, T{0});
    for (int64_t r = 0; r < count; ++r) {
#pragma GCC ivdep
      for (int64_t j = 0; j < block; ++j) {
        const std::array<T, kSums> terms = term_(channel + j, first + r * block + j);
        for (size_t k = 0; k < kSums; ++k) runs[static_cast<int64_t>(k) * block + j] += terms[k];
      }
    }
  }

  const ChannelLayout& layout_;
  const Term& term_;
};

// Calls store(channel, sums) for every channel of a lane group, from the totals of its parts.
template <size_t kSums, typename Store>
void StoreSums(const ChannelLayout& layout, int64_t block, const double* totals, int64_t parts,
               int64_t part_stride, const Store& store) {
  const int64_t channel = block * layout.block;
  for (int64_t j = 0; j < layout.block && channel + j < layout.channels; ++j) {
    std::array<double, kSums> sums = {};
    for (int64_t part = 0; part < parts; ++part) {
      for (size_t k = 0; k < kSums; ++k) {
        sums[k] += totals[part * part_stride + static_cast<int64_t>(k) * layout.block + j];
      }
    }
    store(channel + j, sums);
  }
}

// Calls store(channel, sums) with sums[k] = Σ term(channel, i)[k] over the elements i of the
// channel. `term` returns
// std::array<T, kSums>; it is asked for padding lanes too, whose sums are dropped.
template <typename T, size_t kSums, typename Term, typename Store>
void ReduceChannels(const ChannelLayout& layout, const Term& term, const Store& store,
                    void* workspace) {
  const int64_t parts = RowParts(layout);
  const int64_t rows = layout.batch * layout.spatial;
  const int64_t sums = static_cast<int64_t>(kSums);
  const int64_t stride = layout.padded_channels() * sums;
  double* const totals = static_cast<double*>(workspace);
  T* const runs = reinterpret_cast<T*>(totals + parts * stride);
  const RowReduction<T, kSums, Term> reduction(layout, term);
  ParallelFor(layout.blocks() * parts, 1, [&](int64_t begin, int64_t end) {
    for (int64_t item = begin; item < end; ++item) {
      const int64_t part = item / layout.blocks();
      const int64_t block = item % layout.blocks();
      const int64_t offset = part * stride + block * layout.block * sums;
      reduction.Sum(block, rows * part / parts, rows * (part + 1) / parts, totals + offset,
                    runs + offset);
    }
  });
  for (int64_t block = 0; block < layout.blocks(); ++block) {
    StoreSums<kSums>(layout, block, totals + block * layout.block * sums, parts, stride, store);
  }
}

// Calls apply(channel, i) for every element, padding lanes included.
template <typename Apply>
void MapChannels(const ChannelLayout& layout, const Apply& apply) {
  constexpr int64_t kGrain = 64;
  const int64_t rows = layout.batch * layout.spatial;
  if (layout.block > kRegisterLanes) {
    ParallelFor(rows, kGrain,
                [&](int64_t begin, int64_t end) { MapRows(layout, 0, begin, end, apply); });
    return;
  }
  // One image of one lane group at a time: contiguous memory.
  ParallelFor(layout.batch * layout.blocks(), 1, [&](int64_t begin, int64_t end) {
    for (int64_t item = begin; item < end; ++item) {
      const int64_t n = item / layout.blocks();
      MapRows(layout, item % layout.blocks(), n * layout.spatial, (n + 1) * layout.spatial, apply);
    }
  });
}

// ReduceChannels, then MapChannels: lane group by lane group where there are enough of them, so
// that the second reading finds the elements in the cache. `store` is called from several threads,
// each channel from one.
template <typename T, size_t kSums, typename Term, typename Store, typename Apply>
void ReduceThenMap(const ChannelLayout& layout, const Term& term, const Store& store,
                   const Apply& apply, void* workspace) {
  if (layout.block > kRegisterLanes || RowParts(layout) > 1) {
    ReduceChannels<T, kSums>(layout, term, store, workspace);
    MapChannels(layout, apply);
    return;
  }
  const int64_t rows = layout.batch * layout.spatial;
  const RowReduction<T, kSums, Term> reduction(layout, term);
  ParallelFor(layout.blocks(), 1, [&](int64_t begin, int64_t end) {
    for (int64_t block = begin; block < end; ++block) {
      double totals[kSums * kRegisterLanes];
      T runs[kSums * kRegisterLanes];
      reduction.Sum(block, 0, rows, totals, runs);
      StoreSums<kSums>(layout, block, totals, 1, 0, store);
      MapRows(layout, block, 0, rows, apply);
    }
  });
}

}  // namespace strop
