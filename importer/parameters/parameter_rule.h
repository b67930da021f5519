#pragma once

#include <string>
#include <vector>

#include "absl/types/span.h"
#include "graph/graph.h"

namespace strop {

enum class Verdict { kTrained, kStatistics, kFrozen };

// What a constant is to the operators that read it.
struct Finding {
  Verdict verdict = Verdict::kFrozen;
  std::string reason;  // one phrase: "weight of \"conv1\" (Conv)"
  bool is_norm_or_bias = false;
  bool is_read = true;
};

// By the rule that parameter_rule.cc spells out; one a constant, which must be floating.
std::vector<Finding> FindRoles(const Graph& graph, absl::Span<const ValueId> constants);

}  // namespace strop
