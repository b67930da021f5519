#include "plugin/training/run/step_graphs.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "plugin/engine/runtime/anomaly.h"

namespace strop {
namespace {

// The batch's tensors, then the scalars that the graph takes.
std::vector<Tensor> FeedsOf(absl::Span<const Tensor> batch, absl::Span<const StepScalar> scalars,
                            const StepNumbers& numbers) {
  std::vector<Tensor> inputs(batch.begin(), batch.end());
  for (const StepScalar scalar : scalars) inputs.push_back(numbers.Of(scalar));
  return inputs;
}

// Which parameters the outputs behind the loss watch; nameless where one output is of all.
std::vector<std::string> WatchedBy(const TrainingGraph& graph) {
  if (graph.health_count == graph.trained.size()) return graph.trained;
  return std::vector<std::string>(graph.health_count);
}

}  // namespace

StepGraphs::StepGraphs(const TrainingOptions& options, const RunLength& length,
                       std::shared_ptr<StateStore> store, std::shared_ptr<Arena> arena,
                       const PlanOptions& plan)
    : length_(length),
      measurement_(options.measurement),
      passes_(PassesOf(options.graph.sharpness)),
      store_(std::move(store)),
      arena_(std::move(arena)),
      plan_(plan),
      seed_(options.seed) {}

absl::StatusOr<std::unique_ptr<StepGraphs>> StepGraphs::Create(
    const ImportedModel& model, const TrainingOptions& options, const RunLength& length,
    const DataShapes& shapes, std::shared_ptr<StateStore> store, std::shared_ptr<Arena> arena,
    const PlanOptions& plan) {
  std::unique_ptr<StepGraphs> graphs(
      new StepGraphs(options, length, std::move(store), std::move(arena), plan));
  graphs->phase_starts_ = PhaseStarts(model, options.graph.unfreezing);
  for (int phase = 0; phase < static_cast<int>(graphs->phase_starts_.size()); ++phase) {
    for (const StepVariant::Kind kind : KindsOf(options.graph)) {
      const StepVariant variant = {kind, phase};
      STROP_ASSIGN_OR_RETURN(TrainingGraph graph,
                             BuildTrainingGraph(model, options.graph, shapes, plan, variant));
      graphs->trained_ = graph.trained;  // the last phase moves all
      graphs->unreached_ = graph.unreached;
      if (kind == StepVariant::Kind::kUpdate) {
        STROP_RETURN_IF_ERROR(graphs->AddMeasured(graph, phase));
      }
      STROP_RETURN_IF_ERROR(graphs->Add(variant, std::move(graph)));
    }
  }
  return graphs;
}

absl::Status StepGraphs::AddMeasured(const TrainingGraph& update, int phase) {
  if (measurement_.log.every == 0) return absl::OkStatus();
  for (const StepMeasurement measurement :
       {StepMeasurement::kStatistics, StepMeasurement::kHistograms}) {
    TrainingGraph measured = update;
    STROP_ASSIGN_OR_RETURN(
        StepProbe probe,
        StepProbe::Attach(measured.graph, measured.trained,
                          measurement == StepMeasurement::kHistograms, measured.stand_ins));
    const StepVariant variant = {StepVariant::Kind::kUpdate, phase, measurement};
    STROP_RETURN_IF_ERROR(Add(variant, std::move(measured), std::move(probe)));
  }
  return absl::OkStatus();
}

absl::Status StepGraphs::Add(const StepVariant& variant, TrainingGraph graph,
                             std::optional<StepProbe> probe) {
  StepGraph added;
  added.watched = WatchedBy(graph);
  added.scalars = std::move(graph.scalars);
  added.has_gradient_norm = graph.has_gradient_norm;
  added.probe = std::move(probe);
  STROP_ASSIGN_OR_RETURN(added.session,
                         Session::Create(std::move(graph.graph), store_, plan_, arena_));
  added.session->set_seed(seed_);
  graphs_[variant] = std::move(added);
  return absl::OkStatus();
}

StepVariant StepGraphs::VariantOf(StepVariant::Kind kind, int64_t step, int64_t epoch) const {
  const auto next = std::upper_bound(phase_starts_.begin(), phase_starts_.end(), epoch);
  StepVariant variant = {kind, static_cast<int>(next - phase_starts_.begin()) - 1};
  if (kind == StepVariant::Kind::kUpdate) {
    variant.measurement = MeasurementOf(measurement_, step, length_.steps_per_epoch(),
                                        length_.full_steps_per_epoch());
  }
  return variant;
}

absl::StatusOr<StepGraphs::StepGraph*> StepGraphs::Find(const StepVariant& variant) {
  const auto found = graphs_.find(variant);
  if (found == graphs_.end()) return absl::InternalError("train: the step has no session");
  return &found->second;
}

absl::Status StepGraphs::Prepare(absl::Span<const Tensor> batch) {
  for (const auto& [variant, graph] : graphs_) {
    STROP_RETURN_IF_ERROR(graph.session->Prepare(FeedsOf(batch, graph.scalars, StepNumbers())));
  }
  return absl::OkStatus();
}

absl::StatusOr<BatchResult> StepGraphs::Run(const StepVariant& variant, int64_t draw,
                                            absl::Span<const Tensor> batch,
                                            const StepNumbers& numbers) {
  STROP_ASSIGN_OR_RETURN(StepGraph * graph, Find(variant));
  graph->session->set_step(static_cast<uint64_t>(draw));
  const absl::StatusOr<absl::Span<const Tensor>> outputs =
      graph->session->Run(FeedsOf(batch, graph->scalars, numbers));
  if (outputs.ok()) return Read(*graph, *outputs);
  if (!IsAnomaly(outputs.status())) return outputs.status();
  BatchResult result;
  result.anomaly = outputs.status();
  return result;
}

absl::StatusOr<BatchResult> StepGraphs::Read(const StepGraph& graph,
                                             absl::Span<const Tensor> outputs) {
  BatchResult result;
  STROP_ASSIGN_OR_RETURN(const std::vector<double> loss, NumericElements(outputs[0]));
  result.loss = loss[0];
  size_t next = 1;
  for (const std::string& name : graph.watched) {
    if (std::isfinite(outputs[next++].elements<double>()[0])) continue;
    // The backward pass goes from the last to the first.
    result.bad_gradient =
        name.empty() ? "a gradient" : absl::StrCat("the gradient of \"", name, "\"");
  }
  if (graph.has_gradient_norm) result.gradient_norm = outputs[next].elements<double>()[0];
  if (graph.probe) result.statistics = graph.probe->Read(outputs);
  return result;
}

absl::Status StepGraphs::Diagnose(const StepVariant& variant, int64_t draw,
                                  absl::Span<const Tensor> batch, const StepNumbers& numbers) {
  STROP_ASSIGN_OR_RETURN(const StepGraph* graph, Find(variant));
  PlanOptions plan = plan_;
  plan.detect_anomaly = true;
  STROP_ASSIGN_OR_RETURN(const std::unique_ptr<Session> session,
                         Session::Create(graph->session->graph(), store_, plan, arena_));
  session->set_seed(seed_);
  session->set_step(static_cast<uint64_t>(draw));
  return session->Run(FeedsOf(batch, graph->scalars, numbers)).status();
}

}  // namespace strop
