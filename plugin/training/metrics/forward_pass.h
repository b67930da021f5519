#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "plugin/data/batch_reader.h"
#include "plugin/data/data_source.h"
#include "plugin/data/model_binding.h"
#include "plugin/engine/runtime/session.h"

namespace strop {

// Runs a model over data of which it takes no target, batch after batch in their order.
class ForwardPass {
 public:
  // `inputs` are the graph's. A batch size of 0 means all samples at once; a model that takes
  // batches of one size gets these. `padding` cuts batches. `data` that do not fit the inputs are
  // refused.
  static absl::StatusOr<std::unique_ptr<ForwardPass>> Create(
      Graph graph, const std::vector<InputInterface>& inputs, std::unique_ptr<DataSource> data,
      int64_t batch_size, const PaddingOptions& padding, const PlanOptions& plan,
      uint64_t seed = 0);

  const DataSource& data() const { return *data_; }
  const Graph& graph() const { return session_->graph(); }

  // Calls `take` with each batch: the samples from `first` on, `count` of them, and the graph's
  // outputs, valid until it returns. InvalidArgument naming an output whose axis 0 does not hold as
  // many rows of each sample, unless one batch has them all.
  using Taker =
      std::function<absl::Status(int64_t first, int64_t count, absl::Span<const Tensor> outputs)>;
  absl::Status Run(const Taker& take);

 private:
  ForwardPass() = default;

  // The outputs of a batch of `rows` samples without those that filled it up.
  absl::StatusOr<std::vector<Tensor>> SamplesOf(absl::Span<const Tensor> outputs, int64_t count,
                                                int64_t rows) const;

  std::unique_ptr<DataSource> data_;
  std::unique_ptr<BatchReader> reader_;
  std::unique_ptr<Session> session_;
  int64_t batch_size_ = 1;
  bool fills_up_ = false;  // the last batch, with its last sample
};

}  // namespace strop
