#pragma once

#include <string>

#include "absl/status/status.h"
#include "graph/graph.h"

namespace strop {

// Names the first nodes by which a model is quantized already and says what to train instead; empty
// for a floating model.
std::string AdviceOnQuantized(const Graph& graph);

// Why a model does not train: `status`, or that it is quantized where that is why.
absl::Status WithAdviceOnQuantized(const absl::Status& status, const Graph& graph);

}  // namespace strop
