#include "plugin/training/metrics/forward_pass.h"

#include <algorithm>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"

namespace strop {

absl::StatusOr<std::unique_ptr<ForwardPass>> ForwardPass::Create(
    Graph graph, const std::vector<InputInterface>& inputs, std::unique_ptr<DataSource> data,
    int64_t batch_size, const PaddingOptions& padding, const PlanOptions& plan, uint64_t seed) {
  std::unique_ptr<ForwardPass> pass(new ForwardPass());
  const int64_t samples = data->sample_count();
  STROP_ASSIGN_OR_RETURN(DataShapes shapes,
                         ShapesFor(*data, inputs, batch_size == 0 ? samples : batch_size,
                                   /*wants_target=*/false));
  if (shapes.has_fixed_batch && batch_size != shapes.batch_size) {
    return absl::InvalidArgumentError(absl::StrCat("input \"", inputs[0].name,
                                                   "\" takes batches of ", shapes.batch_size,
                                                   ", found another size; leave --batch-size out"));
  }
  STROP_ASSIGN_OR_RETURN(std::shared_ptr<SequencePadding> cut,
                         SequencePadding::Read(*data, inputs, padding, shapes));
  pass->fills_up_ = shapes.has_fixed_batch;
  pass->batch_size_ =
      shapes.has_fixed_batch ? shapes.batch_size : std::min(shapes.batch_size, samples);
  STROP_ASSIGN_OR_RETURN(pass->data_, BindToModel(std::move(data), inputs, TargetInterface()));
  pass->reader_ = std::make_unique<BatchReader>(*pass->data_, std::move(cut));
  STROP_ASSIGN_OR_RETURN(pass->session_,
                         Session::Create(std::move(graph), std::make_shared<StateStore>(), plan));
  pass->session_->set_seed(seed);
  return pass;
}

absl::Status ForwardPass::Run(const Taker& take) {
  const int64_t samples = data_->sample_count();
  for (int64_t first = 0; first < samples; first += batch_size_) {
    const int64_t count = std::min(batch_size_, samples - first);
    std::vector<int64_t> indices(static_cast<size_t>(fills_up_ ? batch_size_ : count),
                                 first + count - 1);
    std::iota(indices.begin(), indices.begin() + count, first);
    STROP_ASSIGN_OR_RETURN(const absl::Span<const Tensor> batch, reader_->Read(indices));
    STROP_ASSIGN_OR_RETURN(const absl::Span<const Tensor> outputs, session_->Run(batch));
    STROP_ASSIGN_OR_RETURN(const std::vector<Tensor> taken,
                           SamplesOf(outputs, count, static_cast<int64_t>(indices.size())));
    STROP_RETURN_IF_ERROR(take(first, count, taken));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Tensor>> ForwardPass::SamplesOf(absl::Span<const Tensor> outputs,
                                                           int64_t count, int64_t rows) const {
  std::vector<Tensor> samples;
  for (size_t i = 0; i < outputs.size(); ++i) {
    Shape shape = outputs[i].shape();
    const bool counts_samples = !shape.empty() && shape[0] > 0 && shape[0] % rows == 0;
    if (counts_samples) {
      shape[0] = shape[0] / rows * count;
      samples.push_back(
          Tensor::Borrow(outputs[i].type(), std::move(shape), outputs[i].data(), nullptr));
    } else if (count == rows && count == data_->sample_count()) {
      samples.push_back(outputs[i]);
    } else {
      return absl::InvalidArgumentError(
          absl::StrCat("output \"", graph().value(graph().outputs[i]).name, "\": found shape ",
                       ShapeName(shape), " for ", rows, " samples, expected them along axis 0"));
    }
  }
  return samples;
}

}  // namespace strop
