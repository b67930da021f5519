#pragma once

#include "plugin/options/listener.h"
#include "strop/strop.h"

namespace strop {

// Hands on to the caller's functions, those that there are; `listener` may be null.
Listener ListenerOf(const strop_listener* listener);

}  // namespace strop
