#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "graph/graph.h"
#include "plugin/data/data_source.h"

namespace strop {

// What a model takes under one of its input names. Dimension 0 counts samples.
struct InputInterface {
  std::string name;
  TensorType type;
};

std::vector<InputInterface> InputsOf(const Graph& graph);

// What the loss takes as target.
struct TargetInterface {
  enum class Kind {
    kNone,           // no target: the data may lack one
    kClasses,        // whole numbers from 0 to class_count − 1, or ignore_index; bound as int64
    kProbabilities,  // of the classes along class_axis: none negative, with a sum of 1
    kShares,         // of a yes, between 0 and 1
    kNumbers,        // bound as the type's elements, as those of the two kinds before
    kAny,            // whatever numbers the data have, NaN too
  };
  Kind kind = Kind::kNone;
  // The sample axis included; without a shape the data's own holds.
  TensorType type;
  int64_t class_count = 0;
  int64_t class_axis = 0;  // of a sample
  int64_t ignore_index = -100;
  // What the samples' weights are bound as, in a field before the target; absent: they have none.
  std::optional<DataType> weight_type;
};

// The shapes that data give a model: batches of `batch_size` samples, unless the model takes
// batches of another size only.
struct DataShapes {
  std::vector<Shape> inputs;        // of a sample, as each of the model's inputs is given it
  std::optional<DataField> target;  // as the data have it
  int64_t batch_size = 1;
  bool has_fixed_batch = false;  // the model takes no other
  // `inputs` of shorter samples, where batches are cut to their longest (sequence_padding.h): axes
  // of the output that change with it are open. Empty where all batches are as long.
  std::vector<Shape> shorter_inputs;
  bool has_weights = false;  // samples weigh what the data say
};

// The model's fixed batch size, or 0 when it takes any.
int64_t FixedBatchSize(const std::vector<InputInterface>& inputs);

// InvalidArgument as BindToModel has it for inputs, and for a missing target unless none is wanted.
absl::StatusOr<DataShapes> ShapesFor(const DataSource& source,
                                     const std::vector<InputInterface>& inputs, int64_t batch_size,
                                     bool wants_target = true);

// The field of `source` that feeds an input: by name, or for a model's only input x, X or the only
// array beside target and weights. InvalidArgument listing the fields when there is none.
absl::StatusOr<size_t> FieldForInput(const DataSource& source, const std::string& input,
                                     bool is_only_input);

// Views `source` through a model's interface: the fields are `inputs` in their order, then the
// samples' weights where the interface has them, then the target unless its kind is kNone, last;
// each in the element type that is asked for. An input finds its
// array by name; a model with one input also takes the only array beside the target, or x, X.
// Axes of length 1 may be missing or superfluous, and samples flatten for an input of rank 2.
// Numbers convert when every one of them survives: integers to floating types, float64 to float32
// rounded. Refuses, InvalidArgument: missing arrays, shapes that do not fit, empty data, NaN or
// infinity, weights below 0, and targets that are not what the interface says, each naming file,
// array and row.
absl::StatusOr<std::unique_ptr<DataSource>> BindToModel(std::unique_ptr<DataSource> source,
                                                        const std::vector<InputInterface>& inputs,
                                                        const TargetInterface& target);

}  // namespace strop
