#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "graph/graph.h"
#include "plugin/engine/passes/passes.h"

namespace strop {

inline constexpr Pass kInsertDropout = {.name = "insert-dropout",
                                        .why = "--dropout-at puts back what an exporter removed.",
                                        .is_optional = false};

// Puts a Dropout behind every node whose name, or whose first output's name, matches one of the
// patterns (globs: * and ?), for all that read that output: where exporters removed them. What the
// patterns match besides activations, and the model's own outputs, stay as they are.
// InvalidArgument for a pattern that matches no activation. The nodes rest until SetDropoutMode.
absl::Status InsertDropout(Graph& graph, const std::vector<std::string>& patterns);

}  // namespace strop
