#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "ops/core/op_definition.h"

namespace strop {

// Every operator that Strop can run, by the names of the families. Complete once main runs: see
// ops/core/family.h.
absl::Span<const OpFamily* const> OpFamilies();

// The definition, or nullptr when Strop does not know the operator.
const OpDefinition* FindOp(std::string_view domain, std::string_view op_type);

// The definition of a node's operator. Unimplemented, naming the node, when there is none.
absl::StatusOr<const OpDefinition*> DefinitionOf(const Node& node);

// The same; where Strop does not know the operator, one that says nothing.
const OpDefinition& FactsOf(const Node& node);

// Checks the counts and attributes of `node` and sets its outputs' element types in `graph`.
absl::Status InferElementTypes(Graph& graph, const Node& node);

// Adds a node at the end of the graph; one new value an output, element types inferred.
absl::StatusOr<std::vector<ValueId>> AppendNode(Graph& graph, Node node, size_t output_count);

}  // namespace strop
