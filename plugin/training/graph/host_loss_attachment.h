#pragma once

#include "absl/status/statusor.h"
#include "graph/graph.h"
#include "plugin/data/model_binding.h"
#include "plugin/training/graph/loss.h"

namespace strop {

// AttachLoss for the host program's own loss: a HostLoss node on all floating outputs, or the one
// that the options name, and a target as the data have it. A loss that is to keep positions is not
// added, as the program gives nothing but means.
absl::StatusOr<AttachedLoss> AttachHostLoss(Graph& graph, const LossOptions& options,
                                            const DataShapes& data,
                                            const LossAttachment& attachment);

}  // namespace strop
