#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "graph/tensor.h"

namespace strop {

// Reads one array in the IDX format of the MNIST database, plain or compressed by gzip.
// NotFound for a missing file, InvalidArgument naming it for a bad one.
absl::StatusOr<Tensor> ReadIdx(const std::string& path);

}  // namespace strop
