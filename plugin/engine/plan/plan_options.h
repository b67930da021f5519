#pragma once

#include <set>
#include <string>

namespace strop {

// How a graph is turned into a plan. The defaults are what training uses.
struct PlanOptions {
  // Take every op's last kernel, the one that defines it, and dense layouts everywhere.
  bool generic_kernels_only = false;
  // Run the verifier between stages. On by default in builds with assertions.
#ifdef NDEBUG
  bool verify = false;
#else
  bool verify = true;
#endif
  // Look at what every kernel reads and writes: a step in which NaN or infinity reaches a result
  // fails with FailedPrecondition naming where it came from. Several times slower.
  bool detect_anomaly = false;
  // Passes to skip, by the names that plugin/engine/passes lists.
  std::set<std::string> disabled_passes;
};

}  // namespace strop
