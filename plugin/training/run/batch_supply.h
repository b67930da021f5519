#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "plugin/data/batch_reader.h"
#include "plugin/data/data_source.h"
#include "plugin/data/model_binding.h"
#include "plugin/data/sequence_padding.h"
#include "plugin/training/optimization/batch_mixer.h"
#include "plugin/training/run/run_length.h"
#include "plugin/training/run/step_batches.h"
#include "plugin/training/run/training_options.h"

namespace strop {

// A batch as a step's graphs take it: augmented, mixed.
struct SuppliedBatch {
  // The model's inputs; where samples have weights, how each compares with the batch's mean weight,
  // its ignored labels and class weights included; the target, last.
  absl::Span<const Tensor> tensors;
  double weight = 0;  // LossWeight of its targets, as the data have them
};

// Where the batches of a run come from: which samples, in which order, changed at random in which
// way, all a function of options, seed and counters. Not thread-safe.
class BatchSupply {
 public:
  // `data` are bound to the model, the target last, as `target` says; `padding` is theirs, or null
  // where all batches are as long.
  BatchSupply(std::unique_ptr<DataSource> data, TargetInterface target,
              std::shared_ptr<const SequencePadding> padding, BatchMixer mixer,
              const TrainingOptions& options, const RunLength& length);

  const DataSource& data() const { return *data_; }
  BatchReader& reader() { return reader_; }

  // The samples of an epoch, which counts from 1, in the order in which they are read.
  std::vector<int64_t> OrderOf(int64_t epoch) const;
  // The samples of a full batch that is as large as any of the run.
  std::vector<int64_t> LargestBatch() const;
  // What makes the random changes of an epoch's samples.
  AugmentationKey KeyOf(int64_t epoch) const;

  // The batches that make a step on `samples`.
  absl::StatusOr<std::vector<StepBatch>> Split(absl::Span<const int64_t> samples);
  // The batch of an epoch that is the run's batch `number`; valid until the next Read or Take.
  absl::StatusOr<SuppliedBatch> Read(const StepBatch& batch, int64_t epoch, int64_t number);
  // A batch of the caller's, in the data's order and types, [samples, …] each, mixed as one that
  // was read; with padding of any length. InvalidArgument for what the data could not hold.
  absl::StatusOr<SuppliedBatch> Take(absl::Span<const Tensor> batch, int64_t number);

 private:
  // What weighs samples; null: each counts the same.
  const LossOptions* CountedLoss() const;
  absl::StatusOr<SuppliedBatch> Mixed(absl::Span<const Tensor> batch, int64_t number);
  // `batch` with weights whose mean loss over all positions is the batch's weighted one.
  absl::StatusOr<absl::Span<const Tensor>> Weighted(absl::Span<const Tensor> batch,
                                                    std::vector<double> weights, double all);
  absl::Status Check(absl::Span<const Tensor> batch) const;

  std::unique_ptr<DataSource> data_;
  TargetInterface target_;
  std::shared_ptr<const SequencePadding> padding_;
  BatchReader reader_;
  BatchMixer mixer_;
  std::vector<Tensor> weighted_;  // the last batch
  LossOptions loss_;
  bool mixes_ = false;
  bool shuffles_ = true;
  bool groups_by_length_ = false;
  uint64_t seed_ = 0;
  RunLength length_;
  bool drops_last_ = false;
};

}  // namespace strop
