#pragma once

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "graph/graph.h"

namespace strop {

// How the losses of the single elements become the result.
enum class LossReduction { kMean, kSum, kNone };

// The attribute `reduction` of a node that CheckReduction has passed.
inline LossReduction ReductionOf(const Node& node) {
  const std::string name = node.attributes.String("reduction", "mean");
  if (name == "sum") return LossReduction::kSum;
  return name == "none" ? LossReduction::kNone : LossReduction::kMean;
}

inline absl::Status CheckReduction(const Node& node) {
  const std::string name = node.attributes.String("reduction", "mean");
  if (name == "mean" || name == "sum" || name == "none") return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(NodeLabel(node), ": found reduction \"", name,
                                                 "\", expected mean, sum or none"));
}

}  // namespace strop
