#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "graph/tensor.h"

namespace strop {

struct NamedTensor {
  std::string name;
  Tensor tensor;
};

// All arrays of a .npz archive (a zip of .npy files, as numpy.savez and savez_compressed write
// them), in the archive's order. NotFound for a missing file, InvalidArgument for a bad one,
// DataLoss when reading fails.
absl::StatusOr<std::vector<NamedTensor>> ReadNpz(const std::string& path);

// Writes an archive that numpy.load reads: uncompressed, the same bytes for the same tensors.
// An existing file is replaced only by a whole new one. Types that NumPy lacks (bfloat16) are
// written as float32. PermissionDenied when the file cannot be created, ResourceExhausted or
// DataLoss when writing fails.
absl::Status WriteNpz(const std::string& path, absl::Span<const NamedTensor> tensors);

}  // namespace strop
