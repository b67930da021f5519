#pragma once

#include <cmath>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "graph/graph.h"

namespace strop {

// What a step measured of one tensor; but for `not_finite`, of its finite elements.
struct TensorMeasurement {
  double not_finite = 0;  // elements that are NaN or infinite
  double finite = 0;      // elements that are not
  double sum = 0;
  double sum_of_squares = 0;
  double minimum = 0;
  double maximum = 0;
  double zeros = 0;
  double saturated = 0;   // elements where an activation's slope is below a tenth of its maximum
  double units = 0;       // channels of a rectifier's output, 0 for others
  double dead_units = 0;  // of them, those that are 0 for the whole batch
  // Counts by bucket, as ops/training/tensor_statistics.h cuts them; empty unless the step takes
  // histograms.
  std::vector<int64_t> histogram;

  double norm() const { return std::sqrt(sum_of_squares); }
  double mean() const { return finite > 0 ? sum / finite : 0; }
  double root_mean_square() const { return finite > 0 ? std::sqrt(sum_of_squares / finite) : 0; }
  double deviation() const;
};

// The parameters that move and the activations that are watched, both in forward order.
struct WatchedLayers {
  struct Parameter {
    std::string name;
    std::string layer;  // the first node that reads it
    int64_t element_count = 0;
    bool is_matrix = false;  // of rank 2 or more: neither bias nor scale
  };
  struct Activation {
    std::string node;
    std::string op;
    bool can_die = false;
    bool can_saturate = false;
  };
  std::vector<Parameter> parameters;
  std::vector<Activation> activations;
};

// What one step measured, by the indices of `layers`.
struct StepStatistics {
  struct Parameter {
    TensorMeasurement gradient;   // as the optimizer gets it, before clipping
    TensorMeasurement weight;     // before the update
    double update_norm = 0;       // ‖ΔW‖
    double update_ratio() const;  // ‖ΔW‖ / ‖W‖; 0 for a weight of zeros
  };
  std::shared_ptr<const WatchedLayers> layers;
  std::vector<Parameter> parameters;
  std::vector<TensorMeasurement> activations;

  double gradient_norm() const;  // of all gradients together
  double update_ratio() const;   // of all parameters together
};

// The measurements that a step's graph was given, and where they come out of it.
class StepProbe {
 public:
  // Adds to a step's graph, whose first output is the loss, the nodes and outputs that measure
  //   of every trained parameter that the step updates: gradient, weight, update,
  //   of every activation function, normalization and matrix product on the way to the loss: its
  //   output.
  // The step's results stay the same to the bit. An update's first two inputs are the parameter and
  // its gradient. `stand_ins`: see TrainingGraph.
  static absl::StatusOr<StepProbe> Attach(Graph& graph, absl::Span<const std::string> trained,
                                          bool takes_histograms,
                                          const std::map<ValueId, ValueId>& stand_ins = {});

  const std::shared_ptr<const WatchedLayers>& layers() const { return layers_; }

  // From the outputs of a step, all of them.
  StepStatistics Read(absl::Span<const Tensor> outputs) const;

 private:
  std::shared_ptr<const WatchedLayers> layers_;
  size_t first_output_ = 0;
  bool takes_histograms_ = false;
};

}  // namespace strop
