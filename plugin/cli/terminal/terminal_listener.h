#pragma once

#include "plugin/options/listener.h"

namespace strop {

// Says everything on stderr: "note: …", "warning: …", lines of where it stands as they are, and
// long work as a bar while that is a terminal.
Listener TerminalListener();

}  // namespace strop
