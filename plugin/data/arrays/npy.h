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

// Bytes of a whole .npy file by the header that `beginning` begins with. InvalidArgument as above.
absl::StatusOr<size_t> NpyFileBytes(std::string_view beginning, const std::string& origin);
// No header of plain numbers is longer.
inline constexpr size_t kMaximumNpyHeader = 12 + (size_t{1} << 16);

// Reads a .npy file, memory-mapped: pages are read when they are touched.
absl::StatusOr<Tensor> ReadNpy(const std::string& path);

// Everything of a version 1.0 file that stands before the elements. The type must have a name in
// NumPy (HasNpyType).
std::string NpyHeader(DataType type, absl::Span<const int64_t> shape);

bool HasNpyType(DataType type);

}  // namespace strop
