#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "importer/importer.h"
#include "plugin/data/model_binding.h"
#include "plugin/training/graph/training_graph.h"

namespace strop {

// A training step on a loss that is computed elsewhere: the gradient of the loss by the model's
// outputs comes in, and what is differentiated is Σ output · gradient.
//   inputs   the model's, then those of a late part (PlanOptions::late_inputs): the gradients, of
//            the types and shapes of the outputs; learning_rate and step
//   outputs  as of TrainingGraph, the norm of these gradients in the place of the loss, then the
//            model's floating outputs
struct ExternalLossGraph {
  TrainingGraph step;
  std::vector<InputInterface> outputs;  // the model's floating ones, in the model's order
  size_t first_output = 0;              // where they begin among the graph's
  int late_inputs = 0;
};

// InvalidArgument for a model without floating outputs, and for options that need the loss itself:
// sharpness, accumulation, unfreezing. Else errors as of BuildTrainingGraph; the options' loss is
// not looked at.
absl::StatusOr<ExternalLossGraph> BuildExternalLossGraph(const ImportedModel& model,
                                                         const TrainingGraphOptions& options,
                                                         const PlanOptions& plan);

}  // namespace strop
