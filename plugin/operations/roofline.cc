#include "plugin/operations/roofline.h"

#include <algorithm>
#include <chrono>
#include <oneapi/dnnl/dnnl.hpp>
#include <vector>

#include "ops/kernels/parallel_for.h"
#include "plugin/engine/plan/cost.h"

namespace strop {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kRepetitions = 8;

// The shortest of some executions, the first left out.
template <typename Body>
double BestSeconds(const Body& body) {
  body();
  double best = 1e300;
  for (int i = 0; i < kRepetitions; ++i) {
    const Clock::time_point start = Clock::now();
    body();
    best = std::min(best, std::chrono::duration<double>(Clock::now() - start).count());
  }
  return best;
}

double MeasureProductRate() {
  constexpr dnnl_dim_t kSize = 1536;
  const std::vector<float> a(kSize * kSize, 0.5f);
  const std::vector<float> b(kSize * kSize, 0.25f);
  std::vector<float> c(kSize * kSize);
  const double seconds = BestSeconds([&] {
    dnnl_sgemm('N', 'N', kSize, kSize, kSize, 1.0f, a.data(), kSize, b.data(), kSize, 0.0f,
               c.data(), kSize);
  });
  return 2.0 * kSize * kSize * kSize / seconds;
}

double MeasureMemoryRate() {
  constexpr int64_t kCount = int64_t{1} << 24;  // 64 MiB an array: beyond the caches
  std::vector<float> a(kCount);
  const std::vector<float> b(kCount, 1.0f);
  const std::vector<float> c(kCount, 2.0f);
  const double seconds = BestSeconds([&] {
    ParallelFor(kCount, 1024, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        a[static_cast<size_t>(i)] = b[static_cast<size_t>(i)] + 3.0f * c[static_cast<size_t>(i)];
      }
    });
  });
  return 3.0 * kCount * sizeof(float) / seconds;
}

}  // namespace

MachineRates MeasureRates() { return {MeasureProductRate(), MeasureMemoryRate()}; }

double LeastSeconds(const Graph& graph, const MachineRates& rates) {
  double seconds = 0;
  for (const Node& node : graph.nodes) {
    const NodeCost cost = CostOf(graph, node);
    seconds += std::max(cost.operations / rates.operations_per_second,
                        cost.bytes / rates.bytes_per_second);
  }
  return seconds;
}

}  // namespace strop
