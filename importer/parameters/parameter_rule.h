#pragma once

#include <string>
#include <vector>

#include "absl/types/span.h"
#include "graph/graph.h"
#include "ops/core/operator_facts.h"

namespace strop {

// What a constant is to the operators that read it.
struct Finding {
  ConstantUse use = ConstantUse::kFrozen;
  std::string reason;  // one phrase: "weight of \"conv1\" (Conv)"
  bool is_norm_or_bias = false;
  bool is_read = true;
};

// By the rule that parameter_rule.cc spells out; one a constant, which must be floating.
std::vector<Finding> FindRoles(const Graph& graph, absl::Span<const ValueId> constants);

}  // namespace strop
