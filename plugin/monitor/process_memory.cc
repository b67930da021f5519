#include "plugin/monitor/process_memory.h"

#include <sys/resource.h>
#include <unistd.h>

#include <fstream>

namespace strop {

ProcessMemory MeasureProcessMemory() {
  constexpr double kMebibyte = 1 << 20;
  ProcessMemory memory;
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  memory.peak = static_cast<double>(usage.ru_maxrss) * 1024 / kMebibyte;
  std::ifstream pages("/proc/self/statm");
  double all = 0;
  double resident = 0;
  if (pages >> all >> resident) {
    memory.resident = resident * static_cast<double>(sysconf(_SC_PAGESIZE)) / kMebibyte;
  }
  return memory;
}

}  // namespace strop
