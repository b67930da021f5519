#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "graph/tensor.h"

namespace strop {

// Reads one array in the IDX format of the MNIST database, plain or compressed by gzip.
// NotFound for a missing file, InvalidArgument naming it for a bad one; what its header promises is
// all that is unpacked.
absl::StatusOr<Tensor> ReadIdx(const std::string& path);

// True for bytes that begin as such an array does, not compressed.
bool StartsAsIdx(std::string_view bytes);

}  // namespace strop
