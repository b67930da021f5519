#pragma once

#include <cstdint>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "graph/graph.h"

namespace strop {

// Gives every thing a name that no other has: the wanted one, or with _2, _3, … behind it. The
// numbers are not tried from the first again: thousands may want one name.
class UniqueNames {
 public:
  explicit UniqueNames(int64_t first_number = 2) : first_number_(first_number) {}

  std::string Take(const std::string& wanted) {
    std::string name = wanted;
    int64_t& number = next_number_.try_emplace(wanted, first_number_).first->second;
    while (!taken_.insert(name).second) name = absl::StrCat(wanted, "_", number++);
    return name;
  }

 private:
  const int64_t first_number_;
  absl::flat_hash_set<std::string> taken_;
  absl::flat_hash_map<std::string, int64_t> next_number_;  // by what was wanted
};

// Names for what is added to things that have theirs: the wanted one, or with as many underscores
// behind it as make it new.
class FreshNames {
 public:
  // That name is somebody's already.
  void Reserve(const std::string& name) { taken_.insert(name); }

  std::string Take(std::string wanted) {
    while (!taken_.insert(wanted).second) wanted += '_';
    return wanted;
  }

 private:
  absl::flat_hash_set<std::string> taken_;
};

// The same for values of a graph, those included that are added to it meanwhile. The graph must
// outlive it.
class FreshValueNames {
 public:
  explicit FreshValueNames(const Graph& graph) : graph_(graph) {}

  std::string Take(std::string wanted) {
    for (; reserved_ < graph_.values.size(); ++reserved_) {
      names_.Reserve(graph_.values[reserved_].name);
    }
    return names_.Take(std::move(wanted));
  }

 private:
  const Graph& graph_;
  FreshNames names_;
  size_t reserved_ = 0;  // values whose names are in it
};

}  // namespace strop
