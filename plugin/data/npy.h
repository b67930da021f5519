#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "graph/tensor.h"

namespace strop {

// One array in NumPy's .npy format (versions 1.0 to 3.0, NEP 1): booleans, integers and floating
// numbers, little-endian. `origin` names file and array in messages. The tensor shares `bytes`,
// which `owner` keeps alive, where their order and alignment allow. InvalidArgument for anything
// else, big-endian and object arrays included.
absl::StatusOr<Tensor> ParseNpy(std::string_view bytes, std::shared_ptr<const void> owner,
                                const std::string& origin);

// Reads a .npy file, memory-mapped: pages are read when they are touched.
absl::StatusOr<Tensor> ReadNpy(const std::string& path);

// Everything of a version 1.0 file that stands before the elements. The type must have a name in
// NumPy (HasNpyType).
std::string NpyHeader(DataType type, absl::Span<const int64_t> shape);

bool HasNpyType(DataType type);

}  // namespace strop
