#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "importer/model_file.h"

namespace strop {

struct FoldedModel {
  std::shared_ptr<const ModelFile> file;
  int folded = 0;  // BatchNormalizations that are gone,
  int kept = 0;    // and that are still there
};

// Takes a BatchNormalization in inference form, y = (x − μ)·s + β with s = γ/√(σ² + ε), into the
// Conv or Gemm that alone makes its x: W becomes W·s by output channel, the bias (b − μ)·s + β, in
// double before they are stored. The layer computes y under y's name; its bias is the tensor of b,
// of β, or a new one. What is not folded stays: nodes in training form, layers whose weight or
// result others read too, weights that are no constants.
//
// InvalidArgument "fold: …" for bytes that are no model or a tensor that cannot be read.
absl::StatusOr<FoldedModel> FoldBatchNormalization(std::shared_ptr<const ModelFile> file);

}  // namespace strop
