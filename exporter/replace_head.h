#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "importer/model_file.h"

namespace onnx {
class ModelProto;
}

namespace strop {

struct HeadRequest {
  int64_t classes = 0;
  std::string at;  // the tensor that a new layer reads; empty: where the classifier is, see below
  uint64_t seed = 0;
};

struct NewHead {
  std::shared_ptr<const ModelFile> file;
  std::vector<std::string> constants;  // its weight and bias, by the names of their tensors
  std::string note;                    // for the user; empty when a layer was there to replace
};

// Gives a classifier another number of classes: finds the last Gemm, or MatMul with its Add, before
// the first output, through Softmax, LogSoftmax, Sigmoid, Identity, Cast and a Reshape that keeps
// the last dimension, and replaces its weight and bias by fresh ones, uniform in ±1/√inputs as
// PyTorch's Linear draws them; the same seed gives the same head. Declared dimensions follow;
// everything else of the file stays to the byte. The new head's tensors are raw data.
//
// Where something else stands before the first output (a normalization of an embedding), or a
// tensor is named, a linear layer is added: see AppendHead.
//
// InvalidArgument "new head: …" when the layer's weight is no constant or serves another node too,
// or a layer cannot be added there.
absl::StatusOr<NewHead> ReplaceHead(const ModelFile& file, const HeadRequest& request);

// The numbers (see ModelLayout) that the named constants have in a model from ParseWithoutWeights.
std::vector<int> NumbersOf(const std::vector<std::string>& constants,
                           const onnx::ModelProto& model);

}  // namespace strop
