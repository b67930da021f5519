#include "plugin/operations/train/dump.h"

#include <algorithm>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "graph/status_macros.h"
#include "plugin/engine/runtime/session.h"

namespace strop {
namespace {

bool Contains(const std::vector<std::string>& stages, std::string_view stage) {
  return std::find(stages.begin(), stages.end(), stage) != stages.end();
}

// Zeros of the shapes that a batch of the data gives the training graph's inputs: what the model
// declares, dimensions that it leaves open as the data have them.
std::vector<Tensor> FirstBatchShapes(const Graph& graph, const DataSource& data,
                                     int64_t batch_size) {
  std::vector<Tensor> feeds;
  for (const ValueId input : graph.inputs) {
    const Value& value = graph.value(input);
    Shape shape = value.type.shape.value_or(Shape{});
    const int field = data.FindField(value.name);
    const Shape* sample = field < 0 ? nullptr : &data.fields()[static_cast<size_t>(field)].shape;
    if (!value.type.shape && sample != nullptr) {
      shape = *sample;
      shape.insert(shape.begin(), batch_size);
    }
    for (size_t axis = 0; axis < shape.size(); ++axis) {
      if (shape[axis] != kUnknownDimension) continue;
      const bool has_axis = sample != nullptr && axis > 0 && axis <= sample->size();
      shape[axis] = axis == 0 ? batch_size : has_axis ? (*sample)[axis - 1] : 1;
    }
    feeds.emplace_back(value.type.element_type, shape);
  }
  return feeds;
}

}  // namespace

std::string PassTimes::Describe() const {
  std::string text;
  for (const PassReport& report : reports_) {
    absl::StrAppendFormat(&text, "  %-22s  %8.2f ms  %d -> %d nodes\n", std::string(report.name),
                          report.seconds * 1e3, report.nodes_before, report.nodes_after);
  }
  return text;
}

bool WantsPassTimes(const std::vector<std::string>& stages) { return Contains(stages, "passes"); }

absl::Status DumpStages(const std::vector<std::string>& stages, const ImportedModel& model,
                        const TrainingOptions& options, const DataSource& data,
                        const PlanOptions& plan, const PassTimes& pass_times,
                        const TakeStage& take) {
  if (stages.empty()) return absl::OkStatus();
  const auto wants = [&](const std::string& stage) { return Contains(stages, stage); };
  if (wants("import")) take("import", PrintGraph(model.graph));
  const int64_t samples = std::max<int64_t>(data.sample_count(), 1);
  const int64_t batch_size =
      options.batch_size == 0 ? samples : std::min(options.batch_size, samples);
  STROP_ASSIGN_OR_RETURN(const DataShapes shapes,
                         ShapesFor(data, InputsOf(model.graph), batch_size));
  STROP_ASSIGN_OR_RETURN(TrainingGraph training,
                         BuildTrainingGraph(model, options.graph, shapes, plan));
  if (wants("differentiate")) take("differentiate", PrintGraph(training.graph));
  if (!wants("optimize") && !wants("plan") && !wants("passes")) return absl::OkStatus();
  const std::vector<Tensor> feeds = FirstBatchShapes(training.graph, data, batch_size);
  STROP_ASSIGN_OR_RETURN(
      const std::unique_ptr<Session> session,
      Session::Create(std::move(training.graph), std::make_shared<StateStore>(), plan));
  STROP_RETURN_IF_ERROR(session->Prepare(feeds));
  if (wants("optimize")) take("optimize", session->DescribeOptimizedGraph());
  if (wants("plan")) take("plan", session->DescribePlan());
  if (wants("passes")) take("passes", pass_times.Describe());
  return absl::OkStatus();
}

}  // namespace strop
