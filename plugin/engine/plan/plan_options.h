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
  // Threads that compute, whichever thread calls; 0: as many as the teams of the thread that makes
  // the session. Sums are split by them, so that they decide the last bits.
  int threads = 0;
  // Of the graph's inputs the last ones, whose numbers are known only when the outputs that do not
  // depend on them have been read: see Session::Begin. What these outputs need stands in the graph
  // before the nodes that read late ones.
  int late_inputs = 0;
  // Passes to skip, of those that OptionalPassNames lists.
  std::vector<std::string> disabled_passes;
  // Called after each pass; null: nobody asks.
  std::function<void(const PassReport& report)> on_pass;
};

}  // namespace strop
