#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "graph/graph.h"
#include "plugin/engine/runtime/session.h"

namespace strop {

// Averages of the weights along a run, as torch.optim.swa_utils makes them. At most one of the two.
struct AveragingOptions {
  // Exponential moving average, taken after every step (get_ema_multi_avg_fn): the first is the
  // weights themselves, each later one decay·average + (1 - decay)·weights. In (0, 1).
  std::optional<double> ema_decay;
  // Stochastic weight averaging (AveragedModel with SWALR): the mean of the weights at the end of
  // every epoch from this one on, which counts from 1.
  std::optional<int64_t> swa_start;
  // The rate that SWA's epochs go to, and stay at. The first of them has the schedule's rate.
  double swa_learning_rate = 0.05;
  int64_t swa_anneal_epochs = 10;  // that the way there takes; 0: at once
  bool swa_anneals_linearly = false;
};

// InvalidArgument naming the option that makes no sense.
absl::Status CheckAveragingOptions(const AveragingOptions& options);

// SWALR's rate in the epoch that comes `epochs` after swa_start, where the schedule stood at
// `first_rate`.
double SwaLearningRate(const AveragingOptions& options, double first_rate, int64_t epochs);

// The state that holds the average of another.
std::string AverageName(const std::string& state);

// Means of states, which are kept as states "<state>/average" of the same store. Not thread-safe.
class AveragedStates {
 public:
  // `names` of states of `graph`, which still has their first values; they are in the store, and
  // the averages will be. `arena` as in Session::Create.
  static absl::StatusOr<std::unique_ptr<AveragedStates>> Create(
      const Graph& graph, const std::vector<std::string>& names, std::shared_ptr<StateStore> store,
      std::shared_ptr<Arena> arena, const PlanOptions& plan);

  // average += weight·(state - average); 1 makes it the state, 1/n the mean of the last n.
  absl::Status Take(double weight);

  // Exchanges the states and their averages.
  absl::Status Swap();

 private:
  AveragedStates() = default;

  std::vector<std::string> names_;
  std::unique_ptr<Session> session_;
};

}  // namespace strop
