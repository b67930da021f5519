#include "plugin/training/graph/step_variant.h"

namespace strop {

std::string NameOf(StepScalar scalar) {
  switch (scalar) {
    case StepScalar::kLearningRate:
      return "learning_rate";
    case StepScalar::kStep:
      return "step";
    case StepScalar::kBatchShare:
      return "batch_share";
    case StepScalar::kKeepsGradients:
      return "keeps_gradients";
  }
  return "";
}

Tensor StepNumbers::Of(StepScalar scalar) const {
  switch (scalar) {
    case StepScalar::kLearningRate:
      return Tensor::Scalar<double>(learning_rate);
    case StepScalar::kStep:
      return Tensor::Scalar<int64_t>(step);
    case StepScalar::kBatchShare:
      return Tensor::Scalar<double>(batch_share);
    case StepScalar::kKeepsGradients:
      return Tensor::Scalar<double>(keeps_gradients ? 1 : 0);
  }
  return Tensor();
}

}  // namespace strop
