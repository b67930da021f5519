#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "importer/importer.h"
#include "ops/core/operator_facts.h"

namespace strop {

// A weight that can have an adapter, and the nodes that multiply with it.
struct LoraTarget {
  size_t parameter = 0;       // index into ImportedModel::parameters
  LinearLayer layer;          // all nodes alike
  std::vector<size_t> nodes;  // indices into the graph's nodes, in their order
};

// A weight that is asked for and cannot have an adapter.
struct LoraObstacle {
  std::string parameter;  // its name
  std::string reason;
};

struct LoraTargets {
  std::vector<LoraTarget> targets;     // in the file's order
  std::vector<LoraObstacle> left_out;  // by a pattern that means what can have one
};

// The pattern that means every weight but the output layer's: PEFT's word.
inline constexpr std::string_view kAllLinear = "all-linear";

// The weights of Gemm, MatMul and Conv whose tensor or node matches one of `patterns` (globs). What
// `--train` trains whole, what `--freeze` keeps and what belongs to a new head is left out. The
// patterns "*" and kAllLinear mean those that can have an adapter of this rank: a Conv's groups
// have to divide it. InvalidArgument when another pattern matches one that cannot, or matches
// nothing.
absl::StatusOr<LoraTargets> FindLoraTargets(const ImportedModel& model,
                                            const std::vector<std::string>& patterns,
                                            const ParameterSelection& selection, int64_t rank);

}  // namespace strop
