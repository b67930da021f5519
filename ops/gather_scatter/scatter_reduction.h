#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "graph/graph.h"
#include "graph/visit_type.h"

namespace strop {

// What ScatterElements and ScatterND do with an element that is there already.
enum class ScatterReduction { kNone, kAdd, kMultiply, kMinimum, kMaximum };

inline absl::StatusOr<ScatterReduction> ScatterReductionOf(const Node& node) {
  const std::string reduction = node.attributes.String("reduction", "none");
  if (reduction == "none") return ScatterReduction::kNone;
  if (reduction == "add") return ScatterReduction::kAdd;
  if (reduction == "mul") return ScatterReduction::kMultiply;
  if (reduction == "min") return ScatterReduction::kMinimum;
  if (reduction == "max") return ScatterReduction::kMaximum;
  return absl::InvalidArgumentError(
      absl::StrCat(NodeLabel(node), ": found reduction \"", reduction,
                   "\", expected \"none\", \"add\", \"mul\", \"min\" or \"max\""));
}

inline absl::Status CheckScatterReduction(const Node& node) {
  return ScatterReductionOf(node).status();
}

template <typename T>
T Scattered(ScatterReduction reduction, T old_element, T update) {
  using Compute = ComputeType<T>;
  const auto a = static_cast<Compute>(old_element);
  const auto b = static_cast<Compute>(update);
  switch (reduction) {
    case ScatterReduction::kAdd:
      return static_cast<T>(static_cast<Compute>(a + b));
    case ScatterReduction::kMultiply:
      return static_cast<T>(static_cast<Compute>(a * b));
    case ScatterReduction::kMinimum:
      return b < a || b != b ? update : old_element;
    case ScatterReduction::kMaximum:
      return b > a || b != b ? update : old_element;
    case ScatterReduction::kNone:
      break;
  }
  return update;
}

}  // namespace strop
