#include "plugin/training/step_sessions.h"

#include <utility>

#include "graph/status_macros.h"

namespace strop {

StepSessions::StepSessions(std::shared_ptr<StateStore> store, std::shared_ptr<Arena> arena,
                           PlanOptions plan, uint64_t seed)
    : store_(std::move(store)), arena_(std::move(arena)), plan_(std::move(plan)), seed_(seed) {}

absl::Status StepSessions::Add(const StepVariant& variant, Graph graph) {
  STROP_ASSIGN_OR_RETURN(std::unique_ptr<Session> session,
                         Session::Create(std::move(graph), store_, plan_, arena_));
  session->set_seed(seed_);
  sessions_[variant] = std::move(session);
  return absl::OkStatus();
}

absl::StatusOr<absl::Span<const Tensor>> StepSessions::Run(const StepVariant& variant, int64_t draw,
                                                           absl::Span<const Tensor> inputs) {
  const auto found = sessions_.find(variant);
  if (found == sessions_.end()) return absl::InternalError("train: the step has no session");
  found->second->set_step(static_cast<uint64_t>(draw));
  return found->second->Run(inputs);
}

}  // namespace strop
