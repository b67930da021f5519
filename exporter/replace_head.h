#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "importer/model_file.h"

namespace strop {

struct NewHead {
  std::shared_ptr<const ModelFile> file;
  std::vector<int> tensors;  // numbers of its tensors, see ModelLayout
};

// Gives a classifier another number of classes: finds the last Gemm, or MatMul with its Add, before
// the first output, through Softmax, LogSoftmax, Sigmoid, Identity, Cast and a Reshape that keeps
// the last dimension, and replaces its weight and bias by fresh ones, uniform in ±1/√inputs as
// PyTorch's Linear draws them; the same seed gives the same head. Declared dimensions follow;
// everything else of the file stays to the byte. The new head's tensors are raw data.
//
// InvalidArgument "new head: …" when there is no such layer, or when its weight serves another node
// too.
absl::StatusOr<NewHead> ReplaceHead(const ModelFile& file, int64_t classes, uint64_t seed);

}  // namespace strop
