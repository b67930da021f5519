#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "graph/tensor.h"
#include "importer/external_data.h"
#include "importer/model_layout.h"

namespace onnx {
class TensorProto;
class ModelProto;
}  // namespace onnx

namespace strop {

// A model parsed without the bulk of its weights: tensors whose elements are one run of bytes and
// longer than a kilobyte have lost them. Each TensorProto's `segment.begin`, which ONNX has given
// up, holds its number in the layout.
absl::StatusOr<std::shared_ptr<const onnx::ModelProto>> ParseWithoutWeights(
    std::string_view bytes, const ModelLayout& layout);

// The number of a tensor of such a model; -1 for tensors of other origin (schema functions).
int TensorNumber(const onnx::TensorProto& tensor);

// Turns TensorProtos into Tensors. Every claim that a tensor makes about itself (type, shape,
// length of its data, place in a file) is checked before anything is allocated.
class TensorReader {
 public:
  // `bytes` and `layout` must outlive the reader.
  TensorReader(std::string_view bytes, const ModelLayout& layout, ExternalData& external_data)
      : bytes_(bytes), layout_(layout), external_data_(external_data) {}

  // InvalidArgument naming the tensor. External data is borrowed from its mapping where the
  // alignment allows.
  absl::StatusOr<Tensor> Read(const onnx::TensorProto& tensor);

 private:
  absl::StatusOr<Tensor> ReadUnnamed(const onnx::TensorProto& tensor);
  absl::StatusOr<Tensor> ReadExternal(const onnx::TensorProto& tensor, DataType type, Shape shape);

  std::string_view bytes_;
  const ModelLayout& layout_;
  ExternalData& external_data_;
};

// The element type of that ONNX number. InvalidArgument for one that Strop does not know.
absl::StatusOr<DataType> ElementType(int onnx_number);

}  // namespace strop
