#pragma once

#include "absl/status/statusor.h"
#include "plugin/data/model_binding.h"

namespace strop {

// The field that feeds an input sample by sample, see FieldForInput. InvalidArgument for an input
// that has no axis of samples.
absl::StatusOr<size_t> SampleField(const DataSource& source, const InputInterface& input,
                                   bool is_only_input);

}  // namespace strop
