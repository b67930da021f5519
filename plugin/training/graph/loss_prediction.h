#pragma once

#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "graph/graph.h"
#include "plugin/training/graph/loss_table.h"

namespace strop {

struct Logits {
  ValueId value = kNoValue;
  std::optional<int64_t> axis;  // of the softmax, where nothing behind it moves axes
};

// The value that stands before the model's last activation, where that is one which the loss applies
// itself, under the views that follow it; `output` when there is no such activation.
absl::StatusOr<Logits> FindLogits(Graph& graph, LossKind kind, ValueId output);

// Half types become float, in which a loss has range and precision enough.
absl::Status WidenHalf(Graph& graph, ValueId& value);

}  // namespace strop
