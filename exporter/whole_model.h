#pragma once

#include <onnx/onnx_pb.h>

#include <map>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "graph/tensor.h"
#include "importer/importer.h"
#include "importer/model_layout.h"

namespace strop {

// The imported model, whose file is `bytes`, in one message: every tensor raw and inside, the
// elements of `trained` in their places. InvalidArgument where that is more than protobuf holds.
absl::StatusOr<onnx::ModelProto> BuildWholeModel(const ImportedModel& model,
                                                 const std::string& bytes,
                                                 const ModelLayout& layout,
                                                 const std::map<std::string, Tensor>& trained);

// FailedPrecondition for an element of `trained` that is not finite in the type of the file.
absl::Status CheckFiniteElements(const ImportedModel& model,
                                 const std::map<std::string, Tensor>& trained);

}  // namespace strop
