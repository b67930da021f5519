#pragma once

namespace strop {

// Of this process, in MiB.
struct ProcessMemory {
  double resident = 0;  // now; 0 where the system does not say
  double peak = 0;
};
ProcessMemory MeasureProcessMemory();

}  // namespace strop
