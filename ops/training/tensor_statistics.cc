// What a monitored step measures of weights, gradients and activations, in one pass over each.
//
//   TensorStatistics(X[, Y]) {unit_axis, saturated_below, saturated_above}
//                                  of x, or of x - y: the numbers that tensor_statistics.h lists,
//                                  double[10]; as second output the histogram, int64[1281]
//   Snapshot(X)                    a copy that stays when X, a state, is updated in place
//
// Sums are double, of blocks in a fixed order: they do not depend on the number of threads.

#include "ops/training/tensor_statistics.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <optional>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "graph/visit_type.h"
#include "ops/core/family.h"
#include "ops/kernels/parallel_for.h"
#include "ops/training/tensor_statistics_block.h"

namespace strop {

double HistogramLimit(size_t bucket) {
  // Buckets from `side` on, counted from the one around 0, begin at 2^e · (1 + part / 8).
  const auto limit = [](size_t side) {
    const int octave = static_cast<int>(side) / kHistogramParts;
    const double part = static_cast<double>(side % kHistogramParts) / kHistogramParts;
    return std::ldexp(1 + part, octave - kHistogramOctaves / 2);
  };
  return bucket > kHistogramSide ? limit(bucket - kHistogramSide - 1)
                                 : -limit(kHistogramSide - bucket);
}

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// ---- Attributes

struct StatisticsAttributes {
  bool has_units;
  int64_t unit_axis;
  double saturated_below;
  double saturated_above;
  explicit StatisticsAttributes(const Node& node)
      : has_units(node.attributes.Has("unit_axis")),
        unit_axis(node.attributes.Int("unit_axis", 0)),
        saturated_below(node.attributes.Float("saturated_below", -kInfinity)),
        saturated_above(node.attributes.Float("saturated_above", kInfinity)) {}
};

// ---- Type rules

absl::Status StatisticsElementTypes(ElementTypeContext& context) {
  context.set_output(0, DataType::kDouble);
  context.set_output(1, DataType::kInt64);
  return absl::OkStatus();
}

absl::Status StatisticsShapes(ShapeContext& context) {
  if (context.has_input(1) && context.input(1) != context.input(0)) {
    return context.Mismatch(ShapeName(context.input(1)), ShapeName(context.input(0)));
  }
  const StatisticsAttributes attributes(context.node());
  if (attributes.has_units) {
    STROP_RETURN_IF_ERROR(NormalizeAxis(attributes.unit_axis, context.rank(0)).status());
  }
  context.set_output(0, {static_cast<int64_t>(kStatisticCount)});
  context.set_output(1, {static_cast<int64_t>(kHistogramBuckets)});
  return absl::OkStatus();
}

// ---- Kernels

// Elements that are measured at a time; their units fit the cache.
constexpr int64_t kBlock = 16384;
// Histograms that are filled side by side.
constexpr int64_t kHistograms = 8;

// Counts elements in buckets. Neighbours go to counters of their own: many are in the same bucket,
// and an addition need not wait for the one before.
class BucketCounter {
 public:
  template <typename C>
  void Count(const C* x, int64_t count) {
    constexpr int64_t kPiece = 1024;
    int32_t buckets[kPiece];
    for (int64_t begin = 0; begin < count; begin += kPiece) {
      const int64_t length = std::min(kPiece, count - begin);
      FindBuckets(x + begin, length, buckets);
      for (int64_t i = 0; i < length; ++i) ++counts_[i % kLanes][buckets[i]];
    }
  }

  void AddTo(int64_t* counts) const {
    for (const auto& lane : counts_) {
      for (size_t bucket = 0; bucket < kHistogramBuckets; ++bucket) counts[bucket] += lane[bucket];
    }
  }

 private:
  static constexpr int64_t kLanes = 4;
  uint32_t counts_[kLanes][kHistogramBuckets + 1] = {};  // the last: what is not finite
};

// Marks the units that have an element other than 0 among elements [begin, begin + count).
template <typename C>
void MarkUnits(const C* x, int64_t begin, int64_t count, int64_t units, int64_t inner,
               uint8_t* is_alive) {
  for (int64_t i = 0; i < count;) {
    const int64_t position = begin + i;
    if (inner == 1) {  // units side by side
      const int64_t unit = position % units;
      const int64_t length = std::min(units - unit, count - i);
      for (int64_t j = 0; j < length; ++j) is_alive[unit + j] |= x[i + j] != 0;
      i += length;
      continue;
    }
    const int64_t length = std::min(inner - position % inner, count - i);
    uint8_t any = 0;
    for (int64_t j = 0; j < length; ++j) any |= x[i + j] != 0;
    is_alive[position / inner % units] |= any;
    i += length;
  }
}

// The shape of one TensorStatistics, and where its parts lie in the workspace.
struct StatisticsPlan {
  DataType type;
  SaturationBounds bounds;
  int64_t elements = 0;
  int64_t units = 0;
  int64_t inner = 1;
  bool has_difference = false;
  bool has_histogram = false;

  int64_t blocks() const { return (elements + kBlock - 1) / kBlock; }
  int64_t parts() const { return std::min(blocks(), kHistograms); }
  size_t statistics_bytes() const {
    return sizeof(BlockStatistics) * static_cast<size_t>(blocks());
  }
  size_t histogram_bytes() const {
    return has_histogram ? sizeof(int64_t) * kHistogramBuckets * static_cast<size_t>(parts()) : 0;
  }
  size_t unit_bytes() const { return static_cast<size_t>(units * parts()); }
  size_t workspace_bytes() const { return statistics_bytes() + histogram_bytes() + unit_bytes(); }
};

template <typename T>
class StatisticsRun {
 public:
  using C = ComputeType<T>;

  StatisticsRun(const StatisticsPlan& plan, const KernelArguments& arguments)
      : plan_(plan), x_(arguments.input<T>(0)), y_(arguments.input<T>(1)) {
    auto* bytes = static_cast<std::byte*>(arguments.workspace);
    blocks_ = reinterpret_cast<BlockStatistics*>(bytes);
    buckets_ = reinterpret_cast<int64_t*>(bytes + plan.statistics_bytes());
    is_alive_ =
        reinterpret_cast<uint8_t*>(bytes + plan.statistics_bytes() + plan.histogram_bytes());
    if (plan.workspace_bytes() == 0) return;
    std::memset(bytes + plan.statistics_bytes(), 0, plan.histogram_bytes() + plan.unit_bytes());
  }

  void MeasureAll() {
    ParallelFor(plan_.parts(), 1, [this](int64_t begin, int64_t end) {
      C elements[kBlock];
      for (int64_t part = begin; part < end; ++part) {
        const int64_t last = plan_.blocks() * (part + 1) / plan_.parts();
        std::optional<BucketCounter> counter;
        if (plan_.has_histogram) counter.emplace();
        for (int64_t block = plan_.blocks() * part / plan_.parts(); block < last; ++block) {
          Visit(part, block, elements, counter);
        }
        if (counter) counter->AddTo(buckets_ + part * static_cast<int64_t>(kHistogramBuckets));
      }
    });
  }

  void WriteStatistics(double* out) const {
    BlockStatistics all;
    for (int64_t block = 0; block < plan_.blocks(); ++block) all.Add(blocks_[block]);
    out[kStatisticNotFinite] = static_cast<double>(plan_.elements) - all.finite;
    out[kStatisticFinite] = all.finite;
    out[kStatisticSum] = all.sum;
    out[kStatisticSumOfSquares] = all.sum_of_squares;
    out[kStatisticMinimum] = all.minimum;
    out[kStatisticMaximum] = all.maximum;
    out[kStatisticZeros] = all.zeros;
    out[kStatisticSaturated] = all.saturated;
    out[kStatisticUnits] = static_cast<double>(plan_.units);
    int64_t alive = 0;
    for (int64_t unit = 0; unit < plan_.units; ++unit) {
      uint8_t any = 0;
      for (int64_t part = 0; part < plan_.parts(); ++part) {
        any |= is_alive_[part * plan_.units + unit];
      }
      alive += any;
    }
    out[kStatisticDeadUnits] = static_cast<double>(plan_.units - alive);
  }

  void WriteHistogram(int64_t* out) const {
    std::fill_n(out, kHistogramBuckets, 0);
    for (int64_t part = 0; part < plan_.parts(); ++part) {
      const int64_t* counts = buckets_ + part * static_cast<int64_t>(kHistogramBuckets);
      for (size_t bucket = 0; bucket < kHistogramBuckets; ++bucket) out[bucket] += counts[bucket];
    }
  }

 private:
  // The block's elements in the compute type, less the second input's; copied only where needed.
  const C* Load(int64_t begin, int64_t count, C* elements) const {
    if constexpr (std::is_same_v<T, C>) {
      if (!plan_.has_difference) return x_ + begin;
    }
    for (int64_t i = 0; i < count; ++i) elements[i] = static_cast<C>(x_[begin + i]);
    if (!plan_.has_difference) return elements;
    for (int64_t i = 0; i < count; ++i) elements[i] -= static_cast<C>(y_[begin + i]);
    return elements;
  }

  void Visit(int64_t part, int64_t block, C* buffer, std::optional<BucketCounter>& counter) {
    const int64_t begin = block * kBlock;
    const int64_t count = std::min(kBlock, plan_.elements - begin);
    const C* elements = Load(begin, count, buffer);
    blocks_[block] = MeasureBlock(elements, count, plan_.bounds);
    if (counter) counter->Count(elements, count);
    if (plan_.units > 0) {
      MarkUnits(elements, begin, count, plan_.units, plan_.inner, is_alive_ + part * plan_.units);
    }
  }

  const StatisticsPlan& plan_;
  const T* x_;
  const T* y_;
  BlockStatistics* blocks_ = nullptr;
  int64_t* buckets_ = nullptr;
  uint8_t* is_alive_ = nullptr;
};

// Any layout without padding will do, whose zeros would count; units need rows.
absl::StatusOr<std::unique_ptr<Kernel>> StatisticsGeneric(const KernelRequest& request) {
  const StatisticsAttributes attributes(request.node);
  const TensorDescription& x = request.inputs[0];
  StatisticsPlan plan{x.type, {attributes.saturated_below, attributes.saturated_above}};
  plan.elements = x.element_count();
  plan.has_difference = request.has_input(1);
  plan.has_histogram = request.has_output(1);
  if (attributes.has_units) {
    STROP_ASSIGN_OR_RETURN(const int64_t axis, NormalizeAxis(attributes.unit_axis, x.rank()));
    plan.units = x.shape[static_cast<size_t>(axis)];
    plan.inner = ElementCount(absl::MakeConstSpan(x.shape).subspan(static_cast<size_t>(axis) + 1));
  }
  std::unique_ptr<Kernel> kernel = MakeKernel(
      [plan](const KernelArguments& arguments) {
        return VisitFloating(plan.type, "TensorStatistics", [&]<typename T>() {
          StatisticsRun<T> run(plan, arguments);
          run.MeasureAll();
          run.WriteStatistics(arguments.output<double>(0));
          if (plan.has_histogram) run.WriteHistogram(arguments.output<int64_t>(1));
          return absl::OkStatus();
        });
      },
      plan.workspace_bytes());
  const bool takes_layout = x.layout != nullptr && x.layout->is_unpadded() && !attributes.has_units;
  if (takes_layout) kernel->input_layouts = {x.layout, x.layout};
  return kernel;
}

absl::StatusOr<std::unique_ptr<Kernel>> SnapshotGeneric(const KernelRequest& request) {
  const TensorDescription& x = request.inputs[0];
  const size_t bytes =
      x.layout != nullptr ? x.layout->bytes() : BytesFor(x.type, x.element_count());
  std::unique_ptr<Kernel> kernel = MakeKernel([bytes](const KernelArguments& arguments) {
    const auto* from = arguments.input<std::byte>(0);
    auto* to = arguments.output<std::byte>(0);
    ParallelFor(static_cast<int64_t>(bytes), 4096, [&](int64_t begin, int64_t end) {
      std::memcpy(to + begin, from + begin, static_cast<size_t>(end - begin));
    });
    return absl::OkStatus();
  });
  kernel->input_layouts = {x.layout};
  kernel->output_layouts = {x.layout};
  return kernel;
}

}  // namespace

// ---- Definitions

const RegisteredFamily kTensorStatistics = {
    "tensor_statistics",
    {
        {.name = "TensorStatistics",
         .domain = kStropDomain,
         .maximum_inputs = 2,
         .maximum_outputs = 2,
         .element_types = StatisticsElementTypes,
         .shapes = StatisticsShapes,
         .kernels = {StatisticsGeneric}},
        {.name = "Snapshot", .domain = kStropDomain, .kernels = {SnapshotGeneric}},
    }};

}  // namespace strop
