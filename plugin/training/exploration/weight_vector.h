#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "importer/importer.h"
#include "plugin/engine/runtime/state_store.h"

namespace strop {

// A point or a direction in the space of a model's trained parameters: dense tensors by the name
// that the graph gives each, in its own element type. Sums are taken in double.
using WeightVector = std::map<std::string, Tensor>;

// The trained parameters as the model holds them, sharing its tensors.
WeightVector TrainedWeights(const ImportedModel& model);

// start + Σ factorᵢ·directionᵢ, rounded once into start's element types. Every direction has
// start's names and shapes.
struct WeightTerm {
  double factor = 0;
  const WeightVector* direction = nullptr;
};
absl::StatusOr<WeightVector> Moved(const WeightVector& start, absl::Span<const WeightTerm> terms);

// A random direction, filter-normalized (Li, Xu, Taylor, Studer and Goldstein, "Visualizing the
// loss landscape of neural nets", NeurIPS 2018, section 4): standard normal numbers, then for each
// filter d ← d · ‖w‖ / ‖d‖. A filter is what makes one output of a layer: all weights of one
// channel of a convolution, of one neuron, of one row of a table. Vectors (biases, the scales of
// normalizations) stay 0. A function of its arguments: `number` tells directions of a seed apart.
absl::StatusOr<WeightVector> RandomDirection(const ImportedModel& model,
                                             const WeightVector& weights, uint64_t seed,
                                             uint64_t number);

}  // namespace strop
