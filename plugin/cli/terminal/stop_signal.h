#pragma once

#include <cstdint>

namespace strop {

// Catches the first SIGINT or SIGTERM, so that the run can end between two steps; a second one ends
// the process at once.
void CatchStopSignals();

// The signal that was caught, or 0.
int CaughtSignal();

// For an operation that asks whether to stop: from the first question on signals are caught.
bool ShouldStop();

// Lets `parent`, this process' parent, take it along when it ends, however it does: SIGTERM then
// comes, or has come when the parent is gone already.
void EndWithParent(int64_t parent);

}  // namespace strop
