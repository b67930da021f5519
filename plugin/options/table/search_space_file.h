#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "plugin/tune/search_space.h"

namespace strop {

// Reads a search space from a TOML file, in the order of its lines. The keys are the names of
// options, the values either what is tried, or a range:
//
//   optimizer = ["sgd", "adamw"]
//   dropout = {values = [0.1, 0.5]}
//   learning-rate = {min = 1e-5, max = 1e-1, scale = "log", points = 5}
//   batch-size = {min = 16, max = 128, step = 16}
//
// A range with ends (and a step) that are written as whole numbers holds whole numbers; `type`
// ("int", "float") says it otherwise. InvalidArgument with file and line for what cannot be read,
// and for a key or a word that has no meaning.
absl::StatusOr<std::vector<SearchDimension>> ReadSearchSpace(const std::string& path);

}  // namespace strop
