#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "graph/data_type.h"
#include "graph/graph.h"

namespace strop {

// An index tensor of int32 or int64 elements, which are data: checked at every run.
class Indices {
 public:
  Indices(const void* elements, DataType type)
      : elements_(elements), is_wide_(type == DataType::kInt64) {}

  int64_t operator[](int64_t i) const {
    return is_wide_ ? static_cast<const int64_t*>(elements_)[i]
                    : static_cast<const int32_t*>(elements_)[i];
  }

  // The same, counted from the front of an axis of `extent`.
  int64_t Wrapped(int64_t i, int64_t extent) const {
    const int64_t index = (*this)[i];
    return index < 0 ? index + extent : index;
  }

 private:
  const void* elements_;
  bool is_wide_;
};

// InvalidArgument naming the node unless each index lies in [-extent, extent).
inline absl::Status CheckIndices(const std::string& node_label, const Indices& indices,
                                 int64_t count, int64_t extent) {
  for (int64_t i = 0; i < count; ++i) {
    if (indices[i] >= -extent && indices[i] < extent) continue;
    return absl::InvalidArgumentError(absl::StrCat(node_label, ": found index ", indices[i],
                                                   ", expected one in [", -extent, ",", extent,
                                                   ")"));
  }
  return absl::OkStatus();
}

// The element types that an index tensor may have.
inline absl::Status CheckIndexType(const Node& node, DataType type) {
  if (type == DataType::kInt64 || type == DataType::kInt32) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(NodeLabel(node), ": found indices of type ",
                                                 std::string(DataTypeName(type)),
                                                 ", expected int32 or int64"));
}

}  // namespace strop
