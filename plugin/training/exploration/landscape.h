#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "plugin/training/exploration/weight_vector.h"
#include "plugin/training/metrics/evaluate.h"

namespace strop {

// The weights center + x · x_direction + y · y_direction. All three have the same names and shapes.
struct WeightPlane {
  WeightVector center;
  WeightVector x_direction;
  WeightVector y_direction;
};

// Losses over a plane: loss[j · x.size() + i] at (x[i], y[j]), meaningful where is_done is 1.
struct LossGrid {
  std::vector<double> x;
  std::vector<double> y;
  std::vector<double> loss;
  std::vector<uint8_t> is_done;

  int64_t point_count() const { return static_cast<int64_t>(loss.size()); }
  int64_t done_count() const;
};

// `count` numbers from low to high, count ≥ 2; symmetric to the bit, so that an odd count from −r
// to r has a 0 in the middle.
std::vector<double> EvenlySpaced(double low, double high, int64_t count);

LossGrid EmptyGrid(std::vector<double> x, std::vector<double> y);

// Measures a model's loss at weights of a plane. BatchNormalization's running statistics stay the
// model's. Not thread-safe; several with stores of their own may run at the same time.
class PlaneEvaluator {
 public:
  static absl::StatusOr<std::unique_ptr<PlaneEvaluator>> Create(
      const ImportedModel& model, const EvaluationOptions& options,
      std::unique_ptr<DataSource> data, std::shared_ptr<const WeightPlane> plane,
      const PlanOptions& plan);

  absl::StatusOr<double> LossAt(double x, double y);

  // With all states that `states` names in the place of the model's.
  absl::StatusOr<double> LossOf(const std::map<std::string, Tensor>& states);

  // See Evaluator::note.
  const std::string& note() const { return evaluator_->note(); }

 private:
  PlaneEvaluator() = default;

  std::shared_ptr<const WeightPlane> plane_;
  std::shared_ptr<StateStore> store_;
  std::unique_ptr<Evaluator> evaluator_;
};

struct GridCallbacks {
  // Now and then, on the calling thread: the grid as it is, at rest.
  std::function<absl::Status(const LossGrid&)> on_progress;
  std::function<bool()> should_stop;  // asked between points
};

// Evaluates the points that are not done, each evaluator on a thread of its own with a team of
// `threads` threads. Every loss is a function of its point and of `threads` alone, however the
// points are shared out. Returns early, without an error, when should_stop says so.
absl::Status FillGrid(const std::vector<std::unique_ptr<PlaneEvaluator>>& evaluators, int threads,
                      const GridCallbacks& callbacks, LossGrid& grid);

}  // namespace strop
