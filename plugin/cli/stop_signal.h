#pragma once

namespace strop {

// Catches the first SIGINT or SIGTERM, so that the run can end between two steps; a second one ends
// the process at once.
void CatchStopSignals();

// The signal that was caught, or 0.
int CaughtSignal();

}  // namespace strop
