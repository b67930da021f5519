#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "graph/graph.h"

namespace strop {

// The state of a model by value name: parameters, running statistics, optimizer moments. Sessions
// that share a store see each other's updates. Elements lie in the layout that the first plan
// prefers; Read and Write convert. Not thread-safe.
class StateStore {
 public:
  // Where the elements of one state lie.
  struct Entry {
    TensorType type;
    Layout layout;
    Tensor buffer;            // bytes in `layout`
    bool is_planned = false;  // a plan relies on the layout
  };

  bool Has(const std::string& name) const;
  std::vector<std::string> Names() const;

  // A dense copy. NotFound for an unknown name.
  absl::StatusOr<Tensor> Read(const std::string& name) const;

  // Replaces the elements; InvalidArgument when type or shape differ from what is stored.
  absl::Status Write(const std::string& name, const Tensor& tensor);

  // For the runtime: the entry of a state value, a copy of its first tensor when it is new.
  // InvalidArgument when the store holds another type under that name.
  absl::StatusOr<Entry*> FindOrAdd(const Value& state);

  // For the runtime: brings the entry to `wanted` if no plan relies on another layout yet, and
  // fixes it. Answers the layout that holds from now on.
  absl::StatusOr<Layout> AdoptLayout(Entry& entry, const Layout& wanted);

  // For the runtime: the layout of a state that a plan relies on; absent while none does.
  std::optional<Layout> FixedLayout(const std::string& name) const;

 private:
  std::map<std::string, Entry> entries_;
};

}  // namespace strop
