#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace strop {

// What a pass came to.
struct PassReport {
  std::string_view name;
  double seconds = 0;  // with the verifier, where that runs
  size_t nodes_before = 0;
  size_t nodes_after = 0;
};

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
  // Passes to skip, of those that OptionalPassNames lists.
  std::vector<std::string> disabled_passes;
  // Called after each pass; null: nobody asks.
  std::function<void(const PassReport& report)> on_pass;
};

}  // namespace strop
