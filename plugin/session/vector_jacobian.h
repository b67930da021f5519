#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "importer/importer.h"
#include "plugin/engine/differentiate/gradient_reach.h"
#include "plugin/engine/runtime/session.h"

namespace strop {

// The differentiable interface of a model: its floating outputs, and the tensors to differentiate
// by.
struct Differentiation {
  std::vector<ValueId> outputs;  // floating outputs of the model, in their order
  std::vector<ValueId> wrt;
};

// Every floating input and every trained tensor; `names` instead where it is not empty.
// InvalidArgument for a name that is no floating input or constant of the model.
absl::StatusOr<Differentiation> ChooseDifferentiation(const ImportedModel& model,
                                                      const std::vector<std::string>& names);

// Computes cotangentᵀ · ∂outputs/∂wrt of a model.
class VectorJacobian {
 public:
  static absl::StatusOr<std::unique_ptr<VectorJacobian>> Create(const ImportedModel& model,
                                                                Differentiation differentiation,
                                                                std::shared_ptr<StateStore> store,
                                                                const PlanOptions& plan);

  // One gradient a `wrt`, of its type and shape; zeros where no output depends on it. `cotangents`
  // one per output, of its shape.
  absl::StatusOr<std::vector<Tensor>> Run(const std::vector<Tensor>& inputs,
                                          const std::vector<Tensor>& cotangents, uint64_t seed);

  // What the gradient is zero of because none reaches it.
  const std::vector<UnreachedTensor>& unreached() const { return unreached_; }

 private:
  VectorJacobian() = default;

  Differentiation differentiation_;
  std::vector<int> result_of_;     // by wrt: number of the session's output, -1 where zero
  std::vector<TensorType> types_;  // by wrt
  std::vector<int> input_of_;      // by wrt: number of the graph input, -1 for constants
  std::vector<UnreachedTensor> unreached_;
  std::unique_ptr<Session> session_;
};

}  // namespace strop
