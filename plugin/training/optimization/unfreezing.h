#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "graph/graph.h"
#include "importer/importer.h"
#include "plugin/training/optimization/optimizer.h"

namespace strop {

// Parameters whose names match stay as they are until an epoch, which counts from 1, begins.
struct Unfreezing {
  int64_t epoch = 1;
  std::string pattern;  // glob (* and ?)
};

// InvalidArgument for an epoch that the run does not reach, and for a pattern that matches no
// trained parameter.
absl::Status CheckUnfreezing(const std::vector<Unfreezing>& unfreezings, const ImportedModel& model,
                             int64_t epochs);

// The epoch in which a parameter begins to move: the first of those that match it, else 1.
int64_t FirstEpochOf(const std::string& name, const std::vector<Unfreezing>& unfreezings);

// The first epochs of the run's phases, in order: what is trained changes nowhere else.
std::vector<int64_t> PhaseStarts(const ImportedModel& model,
                                 const std::vector<Unfreezing>& unfreezings);

// Lets the optimizer count a parameter's steps from where it was unfrozen: `step` less the steps of
// the epochs before.
absl::Status CountStepsFromUnfreezing(Graph& graph, const std::vector<Unfreezing>& unfreezings,
                                      int64_t steps_per_epoch, ValueId step,
                                      std::vector<ParameterGradient>& parameters);

}  // namespace strop
