#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "importer/model_file.h"

namespace strop {

// The model with the names of its classes in its metadata, under kClassNamesKey (see
// importer/class_names.h), in place of all names that they held; no names take these out.
// Everything else stays to the byte. Errors "class names: …", codes as in exporter.h.
absl::StatusOr<std::shared_ptr<const ModelFile>> WithClassNames(
    const ModelFile& file, const std::vector<std::string>& names);

}  // namespace strop
