#include "plugin/training/optimization/statistics_pass.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "graph/status_macros.h"
#include "plugin/training/graph/node_mode.h"

namespace strop {

absl::StatusOr<std::unique_ptr<StatisticsPass>> StatisticsPass::Create(
    const ImportedModel& model, const TrainingGraphOptions& options,
    std::shared_ptr<StateStore> store, std::shared_ptr<Arena> arena, const PlanOptions& plan,
    uint64_t seed) {
  STROP_ASSIGN_OR_RETURN(Graph graph, BuildTrainingForward(model, options, plan));
  KeepLastBatchStatistics(graph);
  graph.outputs.clear();
  graph.RemoveDeadNodes();
  std::unique_ptr<StatisticsPass> pass(new StatisticsPass());
  std::vector<std::string> names;
  for (const Parameter& parameter : model.parameters) {
    const auto is_moved = [&](const StateUpdate& update) {
      return update.state == parameter.value;
    };
    if (parameter.role == Parameter::Role::kStatistics &&
        std::any_of(graph.state_updates.begin(), graph.state_updates.end(), is_moved)) {
      names.push_back(graph.value(parameter.value).name);
    }
  }
  if (names.empty()) return pass;
  STROP_ASSIGN_OR_RETURN(pass->statistics_,
                         AveragedStates::Create(graph, names, store, arena, plan));
  STROP_ASSIGN_OR_RETURN(pass->forward_, Session::Create(std::move(graph), store, plan, arena));
  pass->forward_->set_seed(seed);
  return pass;
}

absl::Status StatisticsPass::Run(BatchReader& reader, absl::Span<const int64_t> order,
                                 int64_t batch_size, const AugmentationKey& key, int64_t draw) {
  if (statistics_ == nullptr) return absl::OkStatus();
  double batches = 0;
  for (; !order.empty();
       order.remove_prefix(std::min<size_t>(static_cast<size_t>(batch_size), order.size()))) {
    STROP_ASSIGN_OR_RETURN(
        const absl::Span<const Tensor> batch,
        reader.ReadAugmented(order.subspan(0, static_cast<size_t>(batch_size)), key));
    forward_->set_step(static_cast<uint64_t>(draw++));
    // The model's inputs come first.
    const size_t inputs = forward_->graph().inputs.size();
    STROP_RETURN_IF_ERROR(forward_->Run(batch.subspan(0, inputs)).status());
    STROP_RETURN_IF_ERROR(statistics_->Take(1 / ++batches));
  }
  return statistics_->Swap();
}

}  // namespace strop
