#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "graph/graph.h"

namespace strop {

// A tensor whose gradient was asked for and that none reaches.
struct UnreachedTensor {
  std::string name;
  std::string reason;  // see GradientReach::WhyNot
};

// Those of `wrt` for which Differentiate has found none: `gradients`, one a `wrt`. The gradient
// that is zero because nothing reached it is never left without a word: these are the words.
std::vector<UnreachedTensor> FindUnreached(const Graph& graph, absl::Span<const ValueId> outputs,
                                           absl::Span<const ValueId> wrt,
                                           absl::Span<const ValueId> gradients,
                                           const std::string& destination);

// One line a reason: "\"a\" and 3 more get no gradient: every path to …".
std::vector<std::string> DescribeUnreached(absl::Span<const UnreachedTensor> unreached);

// Which values a gradient reaches from `outputs`, and what keeps it from others.
class GradientReach {
 public:
  GradientReach(const Graph& graph, absl::Span<const ValueId> outputs);

  // Nothing when a gradient reaches the value; else the reason, one phrase. `destination` is what
  // the outputs are called in it: "nothing on the way to the loss reads it", "every path to the
  // loss passes "code" (Round), through which no gradient flows".
  std::optional<std::string> WhyNot(ValueId value, const std::string& destination) const;

 private:
  struct Way {
    bool is_read = false;     // on the way to an output
    bool is_reached = false;  // by a gradient
    int stop = -1;            // the first node behind it that lets none through
    bool has_other_stops = false;
  };

  void FollowInput(size_t node, size_t input);
  static void AddStop(Way& way, int node, bool is_one_of_several);

  Way& way(ValueId id) { return ways_[static_cast<size_t>(id)]; }
  const Way& way(ValueId id) const { return ways_[static_cast<size_t>(id)]; }

  const Graph& graph_;
  std::vector<Way> ways_;  // by value
};

}  // namespace strop
