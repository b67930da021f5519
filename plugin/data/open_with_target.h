#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "plugin/data/open_data.h"

namespace strop {

using OpenFunction =
    std::function<absl::StatusOr<std::unique_ptr<DataSource>>(const DataOptions& options)>;

// What `open` opens, with the target that options.target names: an array, which `open` calls
// kTargetField, or an input, of which it hears as kInputTarget. InvalidArgument for an input that
// is not told which, and for targets that would have to move as their augmented images do.
absl::StatusOr<std::unique_ptr<DataSource>> OpenWithTarget(
    const std::vector<InputInterface>& inputs, const DataOptions& options,
    const OpenFunction& open);

}  // namespace strop
