#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "plugin/data/data_source.h"
#include "plugin/data/model_binding.h"

namespace strop {

// Sequences come padded to one length. What a batch does not need of that is cut off.
struct PaddingOptions {
  // Batches are as long as their longest sample, rounded up to a multiple of this; 0: as long as
  // the data.
  int64_t multiple = 0;
  bool groups_by_length = false;  // batches are of samples of like length, see GroupedOrder
  // The array [samples] that says how long each is; without it the model's mask does.
  std::string length_name = "length";

  bool cuts() const { return multiple > 0; }
};

// How long each sample is without its padding, and which axes of a batch are as long as its
// samples.
class SequencePadding {
 public:
  // Reads lengths once, from the array of that name, or from the model's mask: its only input whose
  // name ends in "mask", [samples, positions], 0 at the padding behind each sample. Every free axis
  // of an input that is as long as the sequences is cut. `source` is not bound yet; `shapes`, its
  // own for the model, get their shorter_inputs. Null where the options cut nothing.
  // InvalidArgument where nothing tells lengths, the model takes one length only, or padding is not
  // at the end.
  static absl::StatusOr<std::shared_ptr<SequencePadding>> Read(
      DataSource& source, const std::vector<InputInterface>& inputs, const PaddingOptions& options,
      DataShapes& shapes);

  // One for each sample, from 1 on.
  absl::Span<const int64_t> lengths() const { return lengths_; }
  int64_t longest_sample() const;  // the first of the longest

  // Takes the target's axes, of data that are bound to the model: those that its interface leaves
  // open. InvalidArgument for targets of another length, and for such that are no labels or have
  // labels at the padding that count.
  absl::Status TakeTarget(DataSource& bound, const TargetInterface& target);

  // Whether axis `axis` of a bound field, the samples' own counted, is as long as the sequences.
  bool IsCut(size_t field, size_t axis) const;

  // What a batch of bound samples, at full length, is without the padding that none of them needs.
  // Overwrites `batch`, in which the result lies.
  std::vector<Tensor> Cut(absl::Span<const int64_t> samples, absl::Span<Tensor> batch) const;

 private:
  SequencePadding() = default;
  std::vector<Shape> ShorterInputs(const DataShapes& shapes) const;
  int64_t LengthOf(absl::Span<const int64_t> samples) const;

  int64_t padded_length_ = 1;
  int64_t multiple_ = 1;
  std::vector<int64_t> lengths_;
  std::vector<std::vector<bool>> cut_axes_;  // of a sample of each bound field
};

}  // namespace strop
