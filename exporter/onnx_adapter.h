#pragma once

#include <map>
#include <string>

#include "absl/status/status.h"
#include "graph/tensor.h"

namespace strop {

// Writes ONNX Runtime's adapter file: tensors by name of the model's optional input. Adapter and
// model version are 1. InvalidArgument when the tensors are longer than the format's 2 GiB; other
// codes as AtomicFile's.
absl::Status WriteOnnxAdapter(const std::map<std::string, Tensor>& tensors,
                              const std::string& path);

}  // namespace strop
