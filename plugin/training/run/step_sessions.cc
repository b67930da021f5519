#include "plugin/training/run/step_sessions.h"

#include <utility>

#include "graph/status_macros.h"

namespace strop {

StepSessions::StepSessions(std::shared_ptr<StateStore> store, std::shared_ptr<Arena> arena,
                           PlanOptions plan, uint64_t seed)
    : store_(std::move(store)), arena_(std::move(arena)), plan_(std::move(plan)), seed_(seed) {}

absl::Status StepSessions::Add(const StepVariant& variant, TrainingGraph graph) {
  STROP_ASSIGN_OR_RETURN(std::unique_ptr<Session> session,
                         Session::Create(std::move(graph.graph), store_, plan_, arena_));
  session->set_seed(seed_);
  steps_[variant] = {std::move(session), std::move(graph.scalars)};
  return absl::OkStatus();
}

absl::Status StepSessions::Prepare(absl::Span<const Tensor> batch) {
  for (const auto& [variant, step] : steps_) {
    std::vector<Tensor> inputs(batch.begin(), batch.end());
    for (const StepScalar scalar : step.scalars) inputs.push_back(StepNumbers().Of(scalar));
    STROP_RETURN_IF_ERROR(step.session->Prepare(inputs));
  }
  return absl::OkStatus();
}

absl::StatusOr<absl::Span<const Tensor>> StepSessions::Run(const StepVariant& variant, int64_t draw,
                                                           absl::Span<const Tensor> batch,
                                                           const StepNumbers& numbers) {
  const auto found = steps_.find(variant);
  if (found == steps_.end()) return absl::InternalError("train: the step has no session");
  std::vector<Tensor> inputs(batch.begin(), batch.end());
  for (const StepScalar scalar : found->second.scalars) inputs.push_back(numbers.Of(scalar));
  found->second.session->set_step(static_cast<uint64_t>(draw));
  return found->second.session->Run(inputs);
}

absl::Status StepSessions::Diagnose(const StepVariant& variant, int64_t draw,
                                    absl::Span<const Tensor> batch, const StepNumbers& numbers) {
  const auto found = steps_.find(variant);
  if (found == steps_.end()) return absl::InternalError("train: the step has no session");
  PlanOptions plan = plan_;
  plan.detect_anomaly = true;
  STROP_ASSIGN_OR_RETURN(const std::unique_ptr<Session> session,
                         Session::Create(found->second.session->graph(), store_, plan, arena_));
  session->set_seed(seed_);
  session->set_step(static_cast<uint64_t>(draw));
  std::vector<Tensor> inputs(batch.begin(), batch.end());
  for (const StepScalar scalar : found->second.scalars) inputs.push_back(numbers.Of(scalar));
  return session->Run(inputs).status();
}

}  // namespace strop
