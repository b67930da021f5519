#include "plugin/training/run/batch_supply.h"

#include <cmath>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "plugin/data/target_check.h"
#include "plugin/training/graph/loss_weight.h"
#include "plugin/training/run/shuffle.h"

namespace strop {

BatchSupply::BatchSupply(std::unique_ptr<DataSource> data, TargetInterface target,
                         std::shared_ptr<const SequencePadding> padding, BatchMixer mixer,
                         const TrainingOptions& options, const RunLength& length)
    : data_(std::move(data)),
      target_(std::move(target)),
      padding_(std::move(padding)),
      reader_(*data_, padding_),
      mixer_(std::move(mixer)),
      loss_(options.graph.loss),
      mixes_(!options.mix.are_default()),
      shuffles_(options.shuffle),
      groups_by_length_(options.padding.groups_by_length),
      seed_(options.seed),
      length_(length),
      drops_last_(options.drop_last) {}

std::vector<int64_t> BatchSupply::OrderOf(int64_t epoch) const {
  std::vector<int64_t> order;
  if (shuffles_) {
    order = ShuffledOrder(length_.sample_count(), seed_, static_cast<uint64_t>(epoch));
  } else {
    order.resize(static_cast<size_t>(length_.sample_count()));
    std::iota(order.begin(), order.end(), int64_t{0});
  }
  if (drops_last_) {
    order.resize(static_cast<size_t>(length_.batches_per_epoch() * length_.batch_size()));
  }
  if (!groups_by_length_) return order;
  return GroupedByLength(std::move(order), padding_->lengths(), length_.batch_size(), seed_,
                         static_cast<uint64_t>(epoch));
}

std::vector<int64_t> BatchSupply::LargestBatch() const {
  std::vector<int64_t> samples(static_cast<size_t>(length_.batch_size()));
  std::iota(samples.begin(), samples.end(), int64_t{0});
  const int64_t longest = padding_ == nullptr ? 0 : padding_->longest_sample();
  if (longest >= length_.batch_size()) samples[0] = longest;
  return samples;
}

AugmentationKey BatchSupply::KeyOf(int64_t epoch) const {
  return {seed_, static_cast<uint64_t>(epoch)};
}

absl::StatusOr<std::vector<StepBatch>> BatchSupply::Split(absl::Span<const int64_t> samples) {
  return SplitStep(samples, length_.batch_size(), CountedLoss(), reader_);
}

absl::StatusOr<SuppliedBatch> BatchSupply::Read(const StepBatch& batch, int64_t epoch,
                                                int64_t number) {
  STROP_ASSIGN_OR_RETURN(const absl::Span<const Tensor> read,
                         reader_.ReadAugmented(batch.samples, KeyOf(epoch)));
  return Mixed(read, number);
}

absl::StatusOr<SuppliedBatch> BatchSupply::Take(absl::Span<const Tensor> batch, int64_t number) {
  STROP_RETURN_IF_ERROR(Check(batch));
  return Mixed(batch, number);
}

absl::StatusOr<SuppliedBatch> BatchSupply::Mixed(absl::Span<const Tensor> batch, int64_t number) {
  SuppliedBatch supplied;
  const LossOptions* counted = CountedLoss();
  STROP_ASSIGN_OR_RETURN(const BatchTargets targets, TargetsOf(*data_, batch));
  supplied.weight = counted == nullptr
                        ? static_cast<double>(batch.back().shape()[0])
                        : LossWeight(*counted, *targets.target, targets.sample_weights);
  if (targets.sample_weights.empty()) {
    STROP_ASSIGN_OR_RETURN(supplied.tensors, mixer_.Mix(batch, number));
    return supplied;
  }
  STROP_ASSIGN_OR_RETURN(supplied.tensors,
                         Weighted(batch, targets.sample_weights, supplied.weight));
  return supplied;
}

absl::StatusOr<absl::Span<const Tensor>> BatchSupply::Weighted(absl::Span<const Tensor> batch,
                                                               std::vector<double> weights,
                                                               double all) {
  const auto count = static_cast<double>(weights.size());
  for (double& weight : weights) weight = all == 0 ? 0 : weight * count / all;
  weighted_.assign(batch.begin(), batch.end());
  Tensor& relative = weighted_[static_cast<size_t>(data_->FindWeights())];
  STROP_ASSIGN_OR_RETURN(
      relative,
      ConvertTensor(Tensor::FromVector<double>({static_cast<int64_t>(weights.size())}, weights),
                    relative.type()));
  return absl::MakeConstSpan(weighted_);
}

// Mixed targets are probabilities, which count all the same.
const LossOptions* BatchSupply::CountedLoss() const { return mixes_ ? nullptr : &loss_; }

absl::Status BatchSupply::Check(absl::Span<const Tensor> batch) const {
  const std::vector<DataField>& fields = data_->fields();
  if (batch.size() != fields.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("train: found a batch of ", batch.size(), " tensors, expected ", fields.size(),
                     data_->FindWeights() < 0 ? ": the model's inputs and the target"
                                              : ": the model's inputs, the samples' "
                                                "weights and the target"));
  }
  const bool has_samples = !batch[0].shape().empty() && batch[0].shape()[0] > 0;
  const int64_t count = has_samples ? batch[0].shape()[0] : 1;
  for (size_t i = 0; i < fields.size(); ++i) {
    Shape shape = fields[i].shape;
    shape.insert(shape.begin(), count);
    if (padding_ != nullptr && batch[i].shape().size() == shape.size()) {
      for (size_t axis = 1; axis < shape.size(); ++axis) {
        if (padding_->IsCut(i, axis)) shape[axis] = batch[i].shape()[axis];
      }
    }
    if (batch[i].type() == fields[i].type && batch[i].shape() == shape) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("train: the batch's \"", fields[i].name, "\": found ",
                     TypeName({batch[i].type(), batch[i].shape()}), ", expected ",
                     TypeName({fields[i].type, shape})));
  }
  STROP_ASSIGN_OR_RETURN(const BatchTargets targets, TargetsOf(*data_, batch));
  for (const double weight : targets.sample_weights) {
    if (weight >= 0 && std::isfinite(weight)) continue;
    return absl::InvalidArgumentError(absl::StrCat("train: the batch's weights: found ", weight,
                                                   ", expected finite numbers from 0 on"));
  }
  STROP_ASSIGN_OR_RETURN(
      const TargetFault fault,
      FindTargetFault(target_, Shape(batch.back().shape().begin() + 1, batch.back().shape().end()),
                      batch.back(), batch.back().element_count()));
  if (fault.element < 0) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("train: the batch's \"", fields.back().name,
                                                 "\", element ", fault.element, ": ",
                                                 fault.problem));
}

}  // namespace strop
