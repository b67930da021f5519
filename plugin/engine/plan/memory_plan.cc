#include "plugin/engine/plan/memory_plan.h"

#include <algorithm>
#include <numeric>

namespace strop {
namespace {

constexpr size_t kAlignment = 64;

size_t Aligned(size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

// A buffer that has its place.
struct Placed {
  int first = 0;  // its lifetime
  int last = 0;
  size_t begin = 0;
  size_t end = 0;
};

// Neighbours in space, and what lets a search pass them by without a look at each.
class Chunk {
 public:
  const std::vector<Placed>& buffers() const { return buffers_; }
  size_t begin() const { return buffers_.front().begin; }
  size_t end() const { return end_; }

  // No buffer is needed at the same time.
  bool IsFreeFor(const Lifetime& lifetime) const {
    return first_of_all_ > lifetime.last || last_of_all_ < lifetime.first;
  }
  // Every buffer is needed at the same time, and no gap between them is wide enough.
  bool IsClosedFor(const Lifetime& lifetime, size_t bytes) const {
    return latest_first_ <= lifetime.last && earliest_last_ >= lifetime.first &&
           widest_gap_ < bytes;
  }

  void Insert(const Placed& buffer) {
    const auto position =
        std::upper_bound(buffers_.begin(), buffers_.end(), buffer.begin,
                         [](size_t begin, const Placed& other) { return begin < other.begin; });
    buffers_.insert(position, buffer);
    Summarize();
  }

  // Keeps the lower half.
  Chunk SplitOff() {
    Chunk upper;
    const auto middle = buffers_.begin() + static_cast<std::ptrdiff_t>(buffers_.size() / 2);
    upper.buffers_.assign(middle, buffers_.end());
    buffers_.erase(middle, buffers_.end());
    Summarize();
    upper.Summarize();
    return upper;
  }

 private:
  void Summarize() {
    first_of_all_ = latest_first_ = buffers_.front().first;
    last_of_all_ = earliest_last_ = buffers_.front().last;
    end_ = buffers_.front().end;
    widest_gap_ = 0;
    for (const Placed& buffer : buffers_) {
      first_of_all_ = std::min(first_of_all_, buffer.first);
      latest_first_ = std::max(latest_first_, buffer.first);
      earliest_last_ = std::min(earliest_last_, buffer.last);
      last_of_all_ = std::max(last_of_all_, buffer.last);
      if (buffer.begin > end_) widest_gap_ = std::max(widest_gap_, buffer.begin - end_);
      end_ = std::max(end_, buffer.end);
    }
  }

  std::vector<Placed> buffers_;  // by offset
  int first_of_all_ = 0;
  int latest_first_ = 0;
  int earliest_last_ = 0;
  int last_of_all_ = 0;
  size_t end_ = 0;
  size_t widest_gap_ = 0;
};

// The placed buffers by offset. There may be a hundred thousand, and each is looked for among all.
class PlacedBuffers {
 public:
  // The lowest gap of `bytes` among what is needed at the same time.
  size_t LowestGap(const Lifetime& lifetime, size_t bytes) const {
    size_t offset = 0;
    for (const Chunk& chunk : chunks_) {
      if (chunk.IsFreeFor(lifetime)) continue;
      if (chunk.IsClosedFor(lifetime, bytes)) {
        if (offset + bytes <= chunk.begin()) return offset;
        offset = std::max(offset, chunk.end());
        continue;
      }
      for (const Placed& other : chunk.buffers()) {
        if (other.first > lifetime.last || lifetime.first > other.last) continue;
        if (offset + bytes <= other.begin) return offset;
        offset = std::max(offset, other.end);
      }
    }
    return offset;
  }

  void Insert(const Placed& buffer) {
    if (chunks_.empty()) chunks_.emplace_back();
    auto above = std::find_if(chunks_.begin() + 1, chunks_.end(),
                              [&](const Chunk& chunk) { return chunk.begin() > buffer.begin; });
    const auto chunk = above - 1;
    chunk->Insert(buffer);
    if (chunk->buffers().size() >= kLargestChunk) chunks_.insert(above, chunk->SplitOff());
  }

 private:
  static constexpr size_t kLargestChunk = 256;

  std::vector<Chunk> chunks_;
};

}  // namespace

MemoryPlan PlanMemory(const std::vector<Lifetime>& lifetimes) {
  std::vector<size_t> order(lifetimes.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return lifetimes[a].bytes > lifetimes[b].bytes; });
  MemoryPlan plan;
  plan.offsets.assign(lifetimes.size(), 0);
  PlacedBuffers placed;
  for (const size_t candidate : order) {
    const Lifetime& lifetime = lifetimes[candidate];
    const size_t bytes = Aligned(lifetime.bytes);
    const size_t offset = placed.LowestGap(lifetime, bytes);
    plan.offsets[candidate] = offset;
    plan.arena_bytes = std::max(plan.arena_bytes, offset + bytes);
    placed.Insert({lifetime.first, lifetime.last, offset, offset + bytes});
  }
  return plan;
}

}  // namespace strop
