#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "graph/tensor.h"
#include "plugin/data/arrays/npz.h"

namespace strop {

// Free text by key, in the order of the file.
using SafetensorsMetadata = std::vector<std::pair<std::string, std::string>>;

struct SafetensorsContents {
  SafetensorsMetadata metadata;
  std::vector<NamedTensor> tensors;  // in the order of their bytes
};

// Reads the safetensors format (github.com/huggingface/safetensors): eight bytes with the header's
// length, the header in JSON, the elements. The tensors share `bytes`, which `owner` keeps alive.
// `origin` names the file in messages. Everything that the header says is checked before anything
// is allocated for it: InvalidArgument for lengths, types, shapes and offsets that do not agree,
// names that occur twice, tensors that overlap and bytes that belong to none.
absl::StatusOr<SafetensorsContents> ParseSafetensors(std::string_view bytes,
                                                     std::shared_ptr<const void> owner,
                                                     const std::string& origin);

// The same of a file, memory-mapped. NotFound for a missing one, DataLoss when reading fails.
absl::StatusOr<SafetensorsContents> ReadSafetensors(const std::string& path);

// Whether the format has a name for the type.
bool HasSafetensorsType(DataType type);

// Tensors in the order in which a file holds them: large elements first, so that every tensor lies
// at a multiple of its element's size, then by name.
std::vector<NamedTensor> InSafetensorsOrder(absl::Span<const NamedTensor> tensors);

// Everything of a file that stands before the elements of `tensors`, which are in file order: a
// multiple of 64 bytes. The metadata, where there are any, come first and begin at
// kSafetensorsMetadataOffset. InvalidArgument for names that occur twice or that the format
// reserves, and for types that it lacks.
inline constexpr size_t kSafetensorsMetadataOffset = 8 + sizeof(R"({"__metadata__":{)") - 1;
absl::StatusOr<std::string> SafetensorsHeader(absl::Span<const NamedTensor> tensors,
                                              const SafetensorsMetadata& metadata);

// Writes a file that the safetensors package reads; the same bytes for the same contents. It
// appears under its name complete or not at all. Errors of SafetensorsHeader, PermissionDenied when
// the file cannot be created, ResourceExhausted or DataLoss when writing fails.
absl::Status WriteSafetensors(const std::string& path, absl::Span<const NamedTensor> tensors,
                              const SafetensorsMetadata& metadata = {});

}  // namespace strop
