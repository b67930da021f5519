#include "plugin/engine/plan/memory_plan.h"

#include <algorithm>
#include <limits>
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

// A search for the lowest gap, from low offsets to high ones.
struct GapSearch {
  const Lifetime& lifetime;
  size_t bytes = 0;
  size_t offset = 0;  // nothing lower will do

  bool Meets(const Placed& buffer) const {
    return buffer.first <= lifetime.last && lifetime.first <= buffer.last;
  }
};

// Buffers among neighbours that lie one behind the other, as a search has met them. Whoever is
// needed at the same time as all of them need not look between them again.
struct Cover {
  int latest_first = 0;
  int earliest_last = -1;
  size_t begin = 0;
  size_t end = 0;  // 0: of no buffer
  size_t widest_gap = 0;

  void Add(const Placed& buffer) {
    if (buffer.end <= end) return;
    if (end == 0) {
      *this = {buffer.first, buffer.last, buffer.begin, buffer.end, 0};
      return;
    }
    latest_first = std::max(latest_first, buffer.first);
    earliest_last = std::min(earliest_last, buffer.last);
    if (buffer.begin > end) widest_gap = std::max(widest_gap, buffer.begin - end);
    end = buffer.end;
  }

  bool LeavesNone(const GapSearch& search) const {
    return latest_first <= search.lifetime.last && earliest_last >= search.lifetime.first &&
           widest_gap < search.bytes && search.offset + search.bytes > begin;
  }
};

// Neighbours in space, and what lets a search pass them by without a look at each.
class Chunk {
 public:
  size_t begin() const { return buffers_.front().begin; }
  bool is_full() const { return buffers_.size() >= kMostBuffers; }

  // Whether the search ends before or among them; else it goes on behind them.
  bool Find(GapSearch& search) {
    if (first_of_all_ > search.lifetime.last || last_of_all_ < search.lifetime.first) return false;
    if (search.offset + search.bytes <= begin()) return true;
    const bool reaches_the_end = cover_.end == end_;
    if (!reaches_the_end || !cover_.LeavesNone(search)) return LookAtEach(search);
    search.offset = std::max(search.offset, end_);
    return false;
  }

  void Insert(const Placed& buffer) {
    const auto position =
        std::upper_bound(buffers_.begin(), buffers_.end(), buffer.begin,
                         [](size_t begin, const Placed& other) { return begin < other.begin; });
    buffers_.insert(position, buffer);
    TakeIn(buffer);
  }

  // Keeps the lower half.
  Chunk SplitOff() {
    const auto middle = buffers_.begin() + static_cast<std::ptrdiff_t>(buffers_.size() / 2);
    Chunk lower;
    Chunk upper;
    lower.buffers_.assign(buffers_.begin(), middle);
    upper.buffers_.assign(middle, buffers_.end());
    for (const Placed& buffer : lower.buffers_) lower.TakeIn(buffer);
    for (const Placed& buffer : upper.buffers_) upper.TakeIn(buffer);
    *this = std::move(lower);
    return upper;
  }

 private:
  static constexpr size_t kMostBuffers = 256;

  void TakeIn(const Placed& buffer) {
    first_of_all_ = std::min(first_of_all_, buffer.first);
    last_of_all_ = std::max(last_of_all_, buffer.last);
    end_ = std::max(end_, buffer.end);
  }

  bool LookAtEach(GapSearch& search) {
    Cover cover;
    for (const Placed& buffer : buffers_) {
      if (!search.Meets(buffer)) continue;
      if (search.offset + search.bytes <= buffer.begin) return true;
      search.offset = std::max(search.offset, buffer.end);
      cover.Add(buffer);
    }
    if (cover.end == end_) cover_ = cover;
    return false;
  }

  std::vector<Placed> buffers_;  // by offset
  int first_of_all_ = std::numeric_limits<int>::max();
  int last_of_all_ = -1;
  size_t end_ = 0;
  Cover cover_;
};

// The placed buffers by offset. There may be a hundred thousand, and each is looked for among all.
class PlacedBuffers {
 public:
  // The lowest gap of `bytes` among what is needed at the same time.
  size_t LowestGap(const Lifetime& lifetime, size_t bytes) {
    GapSearch search{.lifetime = lifetime, .bytes = bytes};
    for (Chunk& chunk : chunks_) {
      if (chunk.Find(search)) break;
    }
    return search.offset;
  }

  void Insert(const Placed& buffer) {
    if (chunks_.empty()) chunks_.emplace_back();
    const auto above =
        std::upper_bound(chunks_.begin() + 1, chunks_.end(), buffer.begin,
                         [](size_t begin, const Chunk& chunk) { return begin < chunk.begin(); });
    const auto chunk = above - 1;
    chunk->Insert(buffer);
    if (chunk->is_full()) chunks_.insert(above, chunk->SplitOff());
  }

 private:
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
