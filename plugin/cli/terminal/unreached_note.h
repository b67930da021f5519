#pragma once

#include "absl/types/span.h"
#include "plugin/engine/differentiate/gradient_reach.h"

namespace strop {

// Says on stderr which tensors get no gradient, and why: a line a reason.
void TellUnreached(absl::Span<const UnreachedTensor> unreached);

}  // namespace strop
