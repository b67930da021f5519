#include "plugin/training/metrics/prediction_watch.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "graph/status_macros.h"
#include "plugin/training/metrics/class_likelihood.h"

namespace strop {
namespace {

double RankOf(const HardSample& sample) {
  return std::isnan(sample.loss) ? std::numeric_limits<double>::infinity() : sample.loss;
}

}  // namespace

bool PredictionWatch::Watches(const ClassAxis& classes, int64_t logit_count, int64_t sample_count) {
  if (classes.kind == ClassKind::kLabels || logit_count > sample_count * kMostLogits) return false;
  return classes.columns <= kMostClasses || logit_count == sample_count * classes.columns;
}

void PredictionWatch::Reset() {
  counts_.Reset(/*keeps_matrix=*/true);
  hardest_.clear();
  sample_count_ = 0;
}

absl::Status PredictionWatch::Add(const ClassRows& rows, int64_t sample_count) {
  if (rows.kind == ClassKind::kLabels) return absl::OkStatus();
  if (rows.columns <= kMostClasses) STROP_RETURN_IF_ERROR(counts_.Add(rows));
  if (rows.position_count == sample_count) {
    for (int64_t row = 0; row < rows.rows(); ++row) {
      const auto i = static_cast<size_t>(row);
      Insert({sample_count_ + rows.positions[i], rows.labels[i], rows.DecidedClass(row),
              CrossEntropyOf(rows, row)});
    }
  }
  sample_count_ += sample_count;
  return absl::OkStatus();
}

void PredictionWatch::Insert(const HardSample& sample) {
  const auto place = std::upper_bound(
      hardest_.begin(), hardest_.end(), sample,
      [](const HardSample& a, const HardSample& b) { return RankOf(a) > RankOf(b); });
  if (place == hardest_.end() && hardest_.size() == kMostSamples) return;
  hardest_.insert(place, sample);
  if (hardest_.size() > kMostSamples) hardest_.pop_back();
}

}  // namespace strop
