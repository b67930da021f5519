#include "plugin/training/optimization/averaging.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "ops/core/registry.h"

namespace strop {

std::string AverageName(const std::string& state) { return absl::StrCat(state, "/average"); }

absl::Status CheckAveragingOptions(const AveragingOptions& options) {
  if (options.ema_decay && options.swa_start) {
    return absl::InvalidArgumentError(
        "train: found an exponential and a stochastic average, expected one of the two");
  }
  if (options.ema_decay && !(*options.ema_decay > 0 && *options.ema_decay < 1)) {
    return absl::InvalidArgumentError(
        absl::StrCat("train: ema-decay is ", *options.ema_decay, ", expected a number in (0, 1)"));
  }
  if (!options.swa_start) return absl::OkStatus();
  if (*options.swa_start < 1 || options.swa_anneal_epochs < 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "train: swa-start is ", *options.swa_start, ", swa-anneal-epochs ",
        options.swa_anneal_epochs, ", expected an epoch from 1 and a number from 0 on"));
  }
  if (options.swa_learning_rate >= 0 && std::isfinite(options.swa_learning_rate)) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "train: swa-learning-rate is ", options.swa_learning_rate, ", expected a number from 0 on"));
}

double SwaLearningRate(const AveragingOptions& options, double first_rate, int64_t epochs) {
  if (options.swa_anneal_epochs == 0) return options.swa_learning_rate;
  const double part =
      std::min(1.0, static_cast<double>(epochs) / static_cast<double>(options.swa_anneal_epochs));
  const double done =
      options.swa_anneals_linearly ? part : (1 - std::cos(std::numbers::pi * part)) / 2;
  return options.swa_learning_rate * done + first_rate * (1 - done);
}

absl::StatusOr<std::unique_ptr<AveragedStates>> AveragedStates::Create(
    const Graph& graph, const std::vector<std::string>& names, std::shared_ptr<StateStore> store,
    std::shared_ptr<Arena> arena, const PlanOptions& plan) {
  Graph averaging;
  const Tensor one_number = Tensor::Scalar<double>(0);
  const ValueId weight = averaging.AddInput("weight", {DataType::kDouble, one_number.shape()});
  absl::flat_hash_map<std::string_view, const Tensor*> first_values;
  for (const Value& value : graph.values) first_values.try_emplace(value.name, &value.tensor);
  for (const std::string& name : names) {
    const Tensor& first = *first_values.at(name);
    const ValueId state = averaging.AddState(name, first);
    const ValueId average = averaging.AddState(AverageName(name), first);
    Node node{AverageName(name), std::string(kStropDomain), "MoveAverage"};
    node.inputs = {average, state, weight};
    STROP_ASSIGN_OR_RETURN(const std::vector<ValueId> moved,
                           AppendNode(averaging, std::move(node), 1));
    averaging.state_updates.push_back({average, moved[0]});
  }
  std::unique_ptr<AveragedStates> averaged(new AveragedStates());
  averaged->names_ = names;
  STROP_ASSIGN_OR_RETURN(averaged->session_, Session::Create(std::move(averaging), std::move(store),
                                                             plan, std::move(arena)));
  return averaged;
}

absl::Status AveragedStates::Take(double weight) {
  const Tensor inputs[] = {Tensor::Scalar<double>(weight)};
  return session_->Run(inputs).status();
}

absl::Status AveragedStates::Swap() {
  StateStore& store = session_->store();
  for (const std::string& name : names_) {
    STROP_ASSIGN_OR_RETURN(const Tensor state, store.Read(name));
    STROP_ASSIGN_OR_RETURN(const Tensor average, store.Read(AverageName(name)));
    STROP_RETURN_IF_ERROR(store.Write(name, average));
    STROP_RETURN_IF_ERROR(store.Write(AverageName(name), state));
  }
  return absl::OkStatus();
}

}  // namespace strop
