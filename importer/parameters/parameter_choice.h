#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "importer/graph_builder.h"
#include "importer/importer.h"

namespace strop {

// Decides what of a model is trained, by the rule (parameter_rule.h) and the user's selection, and
// makes the parameters kState in `graph`. One Parameter a floating constant.
absl::StatusOr<std::vector<Parameter>> ChooseParameters(
    Graph& graph, const std::vector<ImportedConstant>& constants,
    const ParameterSelection& selection);

}  // namespace strop
