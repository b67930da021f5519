#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "graph/tensor.h"

namespace strop {

// A loss that the host program computes, as the operator HostLoss calls it. Nodes name it by its
// number, since attributes hold no functions; a kernel keeps it alive.
class HostLoss {
 public:
  struct Batch {
    absl::Span<const std::string> names;  // of the outputs
    absl::Span<const Tensor> outputs;     // the model's
    const Tensor& target;                 // the data's
    // Empty where the loss is all that is asked for; else a zero-filled tensor in the type and shape
    // of each output, for ∂loss/∂output.
    absl::Span<Tensor> gradients;
  };
  // The mean loss of a batch, all of which lives until it returns. Called on the thread that runs
  // the step, one call at a time.
  using Function = std::function<absl::StatusOr<double>(const Batch& batch)>;

  static std::shared_ptr<const HostLoss> Create(Function function);
  ~HostLoss();

  // Null when there is none of that number any more.
  static std::shared_ptr<const HostLoss> Find(int64_t number);

  int64_t number() const { return number_; }
  absl::StatusOr<double> Compute(const Batch& batch) const { return function_(batch); }

 private:
  explicit HostLoss(Function function) : function_(std::move(function)) {}

  Function function_;
  int64_t number_ = 0;
};

}  // namespace strop
