#pragma once

#include <string>

#include "graph/graph.h"

namespace strop {

// `name`, or with as many underscores behind it as make it new in the graph.
inline std::string UniqueValueName(const Graph& graph, std::string name) {
  while (graph.FindValue(name) != kNoValue) name += '_';
  return name;
}

}  // namespace strop
