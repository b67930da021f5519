#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "graph/graph.h"

namespace onnx {
class AttributeProto;
}

namespace strop {

using OpsetVersions = std::map<std::string, int64_t>;  // by domain; ONNX's own is ""

// Where the names of one graph, subgraph or inlined function body stand while it is built.
struct Scope {
  Graph* graph = nullptr;  // that nodes and values are added to
  OpsetVersions opsets;
  absl::flat_hash_map<std::string, ValueId>
      names;  // kNoValue: an argument that the caller leaves out

  // Of a subgraph: the scope that it may read from. A value read from there becomes an input of the
  // subgraph.
  struct Capture {
    ValueId outside = kNoValue;
    ValueId inside = kNoValue;
  };
  Scope* outer = nullptr;
  std::vector<Capture> captures;

  // Of an inlined function body: what its names and attribute references stand for.
  std::string prefix;
  std::map<std::string, std::string> result_names;  // formal output → full name in the graph
  std::map<std::string, onnx::AttributeProto> arguments;

  bool Knows(const std::string& name) const {
    return names.contains(name) || (outer != nullptr && outer->Knows(name));
  }

  // The value of that name, captured from outside if need be; kNoValue if there is none.
  ValueId Lookup(const std::string& name) {
    if (const auto found = names.find(name); found != names.end()) return found->second;
    if (outer == nullptr || !outer->Knows(name)) return kNoValue;
    const ValueId inside = Captured(name, outer->Lookup(name));
    names[name] = inside;
    return inside;
  }

  // What a name of this scope is called in the graph.
  std::string FullName(const std::string& name) const {
    const auto found = result_names.find(name);
    return found == result_names.end() ? prefix + name : found->second;
  }

 private:
  ValueId Captured(const std::string& name, ValueId outside) {
    if (outside == kNoValue) return kNoValue;
    const auto [captured, is_new] = inside_of_.try_emplace(outside, kNoValue);
    if (!is_new) return captured->second;
    const ValueId inside = graph->AddInput(name, outer->graph->type(outside));
    captures.push_back({outside, inside});
    captured->second = inside;
    return inside;
  }

  absl::flat_hash_map<ValueId, ValueId> inside_of_;  // the captures, by what is outside
};

}  // namespace strop
