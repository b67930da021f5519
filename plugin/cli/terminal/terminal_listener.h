#pragma once

#include "plugin/options/listener.h"

namespace strop {

// Says everything on stderr: "note: …", "warning: …", lines of where it stands as they are, and
// long work as a bar while that is a terminal.
Listener TerminalListener();

// Takes the bar away, if there is one, to make place for a line about something else. It comes back
// with the next that is told of the work.
void ClearProgress();

}  // namespace strop
