#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace strop {

enum class DataKind { kFolder, kZip, kNpy, kGzip, kIdx, kText, kPicture, kUnknown };

// What lies at a path, by its first bytes; the name counts only for a text that is named as what
// has a signature, so that the reader of that kind says what is wrong. NotFound for what does not
// exist, InvalidArgument for what is neither file nor folder.
absl::StatusOr<DataKind> DataKindOf(const std::string& path);

}  // namespace strop
