#pragma once

#include <onnx/onnx_pb.h>

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "graph/tensor.h"
#include "importer/external_data.h"
#include "importer/model_layout.h"

namespace strop {

// Everything of a TensorProto but its elements, where these are one run of bytes.
absl::StatusOr<onnx::TensorProto> ParseTensorHeader(std::string_view bytes,
                                                    const ModelLayout& layout, int tensor);

// The elements that the file holds.
absl::StatusOr<Tensor> ReadElements(std::string_view bytes, const ModelLayout& layout, int tensor,
                                    ExternalData& external_data);

// The splices that put `elements`, of the tensor's own type and shape, where the tensor keeps its
// data: in place if they are one run of bytes, else in the typed field that it uses.
absl::StatusOr<std::vector<Splice>> ReplaceElements(std::string_view bytes,
                                                    const ModelLayout& layout, int tensor,
                                                    const Tensor& elements);

// Makes a parsed tensor hold `elements`, raw and inside; its name stays.
void StoreElements(const Tensor& elements, onnx::TensorProto& tensor);

// The splices that give a tensor's external_data entry `key` another value; adds the entry if the
// tensor has none.
absl::StatusOr<std::vector<Splice>> ReplaceExternalEntry(std::string_view bytes,
                                                         const ModelLayout& layout, int tensor,
                                                         const std::string& key,
                                                         const std::string& value);

// The splices that take away a tensor's external_data entries `key`.
absl::StatusOr<std::vector<Splice>> RemoveExternalEntry(std::string_view bytes,
                                                        const ModelLayout& layout, int tensor,
                                                        const std::string& key);

// The elements' bytes as ONNX's raw_data wants them.
std::string_view RawBytes(const Tensor& tensor);

}  // namespace strop
