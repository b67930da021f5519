#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "graph/graph.h"
#include "importer/importer.h"
#include "plugin/engine/differentiate/differentiate.h"
#include "plugin/engine/differentiate/gradient_reach.h"
#include "plugin/engine/plan/plan_options.h"
#include "plugin/training/graph/loss.h"
#include "plugin/training/graph/step_variant.h"
#include "plugin/training/optimization/optimizer.h"
#include "plugin/training/optimization/parameter_groups.h"
#include "plugin/training/optimization/sharpness.h"
#include "plugin/training/optimization/unfreezing.h"

namespace strop {

// What BatchNormalization does while the model trains.
enum class BatchNormMode {
  kAsInModel,  // what each node's training_mode says
  kTrain,      // normalizes with the batch's statistics and moves the running ones
  kFrozen,     // normalizes with the running statistics, which stay
};

// What the Dropout nodes of the model do while it trains.
enum class DropoutMode {
  kAsInModel,  // what each node's training_mode says
  kOn,
  kOff,
};

struct TrainingGraphOptions {
  LossOptions loss;
  OptimizerOptions optimizer;
  SharpnessOptions sharpness;
  ParameterGroupOptions groups;
  BatchNormMode batch_norm = BatchNormMode::kAsInModel;
  DropoutMode dropout = DropoutMode::kAsInModel;
  bool takes_probabilities = false;     // as target, even where the data has labels
  std::optional<double> dropout_rate;   // replaces every ratio where dropout is kOn
  std::vector<std::string> dropout_at;  // where to insert more, see InsertDropout
  std::vector<Unfreezing> unfreezing;
  int64_t steps_per_epoch = 1;  // matters to unfreezing only
  bool accumulates = false;     // several batches make an update
  // Compute cheap activations again in the backward pass: less memory, the same bits.
  bool recompute_activations = false;
};

// The model as it runs while it trains: Dropouts inserted, modes set, running statistics moved.
// Here and below `plan` says which passes run.
absl::StatusOr<Graph> BuildTrainingForward(const ImportedModel& model,
                                           const TrainingGraphOptions& options,
                                           const PlanOptions& plan);

// The kinds of steps that a training with these options has.
std::vector<StepVariant::Kind> KindsOf(const TrainingGraphOptions& options);

// Whether a graph is part of the second pass of sharpness-aware minimization: it reads
// "<parameter>/ascended" where others read the parameter, and moves no running statistics.
bool IsAscended(const TrainingGraphOptions& options, const StepVariant& variant);

// One training step as a graph.
//   inputs   the model's, target, and the scalars: learning_rate and step, unless several batches
//            make an update
//   outputs  the loss; rank-0 doubles that are finite when all gradients are: of an ascent one, of
//            other steps one for each of `trained`; with clip_norm the norm of all gradients before
//            clipping
//   states   parameters, running statistics, the optimizer's moments and accumulated gradients
//            ("<parameter>/accumulated_gradient"), with their updates
struct TrainingGraph {
  Graph graph;
  std::vector<InputInterface> inputs;  // the model's
  std::vector<StepScalar> scalars;     // rank-0 inputs behind the target, in order
  TargetInterface target;              // of the data
  TensorType step_target;              // of the input
  std::vector<std::string> trained;    // names of the parameters that it moves, in the file's order
  std::vector<UnreachedTensor> unreached;  // parameters to train that it cannot move
  // Parameters by the states that the forward pass reads in their place; see IsAscended.
  std::map<ValueId, ValueId> stand_ins;
  size_t health_count = 0;  // outputs behind the loss
  bool has_gradient_norm = false;
  std::string note;  // see TargetForm
};

// What a step goes down, as nodes of its graph.
struct StepObjective {
  ValueId loss = kNoValue;  // rank 0, the first output: what moves nothing if it is not finite
  std::vector<OutputCotangent> cotangents;  // where the backward pass starts, and with what
  std::vector<ValueId> outputs;             // of the graph, behind its others
  std::string name;                         // what is differentiated, in messages: "the loss"
};

// Adds the objective, and the inputs that it needs, behind the model's nodes and inputs.
using AttachObjective = std::function<absl::StatusOr<StepObjective>(TrainingGraph& training)>;

// A step on any objective. Several batches can make an update only where a scalar is all that the
// backward pass starts from. Errors as of BuildTrainingGraph.
absl::StatusOr<TrainingGraph> BuildStepGraph(const ImportedModel& model,
                                             const TrainingGraphOptions& options,
                                             const PlanOptions& plan, const StepVariant& variant,
                                             const AttachObjective& attach);

// A step on the loss that the options name. InvalidArgument when nothing can be trained or an
// option does not suit the model; Unimplemented listing every node whose gradient is missing.
absl::StatusOr<TrainingGraph> BuildTrainingGraph(const ImportedModel& model,
                                                 const TrainingGraphOptions& options,
                                                 const DataShapes& data, const PlanOptions& plan,
                                                 const StepVariant& variant = {});

// The model with its loss as it is evaluated: running statistics, no dropout.
//   inputs   the model's, target
//   outputs  the loss of each label or element, and what it compares with the target (logits for
//            the cross-entropies); for a host's loss that it is not part of: what metrics compare,
//            and behind it the outputs that the loss sees
struct EvaluationGraph {
  Graph graph;
  std::vector<InputInterface> inputs;
  TargetInterface target;
  LossKind meaning = LossKind::kCrossEntropy;  // as of AttachedLoss
  TargetInterface meant_target;
  int64_t class_axis = 1;
  Shape prediction;  // shape of what the loss compares
  std::vector<std::string> seen_names;
  std::string note;  // see TargetForm
};

absl::StatusOr<EvaluationGraph> BuildEvaluationGraph(const ImportedModel& model,
                                                     const LossOptions& options,
                                                     const DataShapes& data,
                                                     const PlanOptions& plan);

// The same for data without a target: the only output is what the loss would compare.
absl::StatusOr<EvaluationGraph> BuildPredictionGraph(const ImportedModel& model,
                                                     const LossOptions& options, DataShapes data,
                                                     const PlanOptions& plan);

}  // namespace strop
