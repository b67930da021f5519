#include "plugin/data/split.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "graph/split_mix.h"

namespace strop {
namespace {

// Some samples of another source.
class SubsetSource : public DataSource {
 public:
  SubsetSource(std::shared_ptr<DataSource> whole, std::vector<int64_t> indices)
      : whole_(std::move(whole)), indices_(std::move(indices)) {}

  int64_t sample_count() const override { return static_cast<int64_t>(indices_.size()); }
  const std::vector<DataField>& fields() const override { return whole_->fields(); }
  const std::string& origin() const override { return whole_->origin(); }
  absl::Span<const std::string> class_names() const override { return whole_->class_names(); }
  std::string FileOf(int64_t index) const override {
    return whole_->FileOf(indices_[static_cast<size_t>(index)]);
  }

  absl::Status Read(absl::Span<const int64_t> indices, absl::Span<Tensor> batch) override {
    return whole_->Read(OfWhole(indices), batch);
  }
  absl::Status ReadAugmented(absl::Span<const int64_t> indices, const AugmentationKey& key,
                             absl::Span<Tensor> batch) override {
    return whole_->ReadAugmented(OfWhole(indices), key, batch);
  }
  absl::Status ReadField(size_t field, absl::Span<const int64_t> indices, Tensor& values) override {
    return whole_->ReadField(field, OfWhole(indices), values);
  }

 private:
  absl::Span<const int64_t> OfWhole(absl::Span<const int64_t> indices) {
    of_whole_.clear();
    for (const int64_t index : indices) of_whole_.push_back(indices_[static_cast<size_t>(index)]);
    return of_whole_;
  }

  std::shared_ptr<DataSource> whole_;
  std::vector<int64_t> indices_;
  std::vector<int64_t> of_whole_;
};

// All indices in an order that is a function of the seed (Fisher and Yates).
std::vector<int64_t> RandomOrder(int64_t count, uint64_t seed) {
  std::vector<int64_t> order(static_cast<size_t>(count));
  std::iota(order.begin(), order.end(), int64_t{0});
  uint64_t state = seed;
  for (size_t i = order.size(); i-- > 1; state += kSplitMixStep) {
    std::swap(order[i], order[SplitMix64(state) % (i + 1)]);
  }
  return order;
}

}  // namespace

absl::StatusOr<TrainingSplit> SplitForValidation(std::shared_ptr<DataSource> source,
                                                 double fraction, uint64_t seed) {
  const int64_t count = source->sample_count();
  const auto validation_count =
      static_cast<int64_t>(std::llround(fraction * static_cast<double>(count)));
  if (!(fraction > 0 && fraction < 1) || validation_count < 1 || validation_count >= count) {
    return absl::InvalidArgumentError(
        absl::StrCat("data: --validation-split ", fraction, " of ", count, " samples leaves ",
                     std::clamp<int64_t>(validation_count, 0, count),
                     " for validation, expected at least one on either side"));
  }
  std::vector<int64_t> order = RandomOrder(count, seed);
  std::sort(order.begin(), order.begin() + validation_count);
  std::sort(order.begin() + validation_count, order.end());
  TrainingSplit split;
  split.validation = std::make_unique<SubsetSource>(
      source, std::vector<int64_t>(order.begin(), order.begin() + validation_count));
  split.training = std::make_unique<SubsetSource>(
      source, std::vector<int64_t>(order.begin() + validation_count, order.end()));
  return split;
}

std::unique_ptr<DataSource> RandomSubset(std::shared_ptr<DataSource> source, int64_t count,
                                         uint64_t seed) {
  std::vector<int64_t> order = RandomOrder(source->sample_count(), seed);
  order.resize(static_cast<size_t>(std::min(count, source->sample_count())));
  std::sort(order.begin(), order.end());
  return std::make_unique<SubsetSource>(std::move(source), std::move(order));
}

}  // namespace strop
