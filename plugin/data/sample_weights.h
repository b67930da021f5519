#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "plugin/data/open_data.h"

namespace strop {

// `source` with the field that options.sample_weight names as the samples' weights; as it is where
// the option names none. InvalidArgument for a field that is no single number a sample, and for one
// that is missing, unless the options leave it out with a note.
absl::StatusOr<std::unique_ptr<DataSource>> MarkWeights(std::unique_ptr<DataSource> source,
                                                        const DataOptions& options);

}  // namespace strop
