#include "plugin/training/metrics/gathered_outputs.h"

#include <cstring>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"

namespace strop {
namespace {

// Puts a batch's `count` samples from `first` on where they belong among all, along axis 0. What
// one batch gives of all samples may be anything.
absl::Status Gather(const Tensor& batch, int64_t first, int64_t count, int64_t samples,
                    NamedTensor& whole) {
  if (count == samples) {
    whole.tensor = batch.Clone();
    return absl::OkStatus();
  }
  Shape shape = batch.shape();
  shape[0] = shape[0] / count * samples;
  if (first == 0) whole.tensor = Tensor(batch.type(), shape);
  if (shape != whole.tensor.shape()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "output \"", whole.name, "\": found ", ShapeName(batch.shape()), " for ", count,
        " samples, expected the shape that those before had; give a batch size of all samples"));
  }
  const size_t sample_bytes = batch.bytes() / static_cast<size_t>(count);
  std::memcpy(
      static_cast<char*>(whole.tensor.mutable_data()) + static_cast<size_t>(first) * sample_bytes,
      batch.data(), batch.bytes());
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<NamedTensor>> GatherOutputs(
    ForwardPass& pass, const std::function<void(int64_t done)>& on_progress) {
  std::vector<NamedTensor> outputs;
  for (const ValueId id : pass.graph().outputs) {
    outputs.push_back({pass.graph().value(id).name, Tensor()});
  }
  const int64_t samples = pass.data().sample_count();
  STROP_RETURN_IF_ERROR(
      pass.Run([&](int64_t first, int64_t count, absl::Span<const Tensor> results) -> absl::Status {
        for (size_t i = 0; i < results.size(); ++i) {
          STROP_RETURN_IF_ERROR(Gather(results[i], first, count, samples, outputs[i]));
        }
        if (on_progress) on_progress(first + count);
        return absl::OkStatus();
      }));
  return outputs;
}

}  // namespace strop
