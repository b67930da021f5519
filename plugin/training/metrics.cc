#include "plugin/training/metrics.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"

namespace strop {
namespace {

// Numerator and denominator of a mean.
class MeanMetric : public Metric {
 public:
  void Reset() override { sum_ = count_ = 0; }
  double Value() const override { return sum_ / count_; }

 protected:
  void Add(double value) {
    sum_ += value;
    count_ += 1;
  }

 private:
  double sum_ = 0;
  double count_ = 0;
};

// Elements of a tensor [outer, classes, inner].
struct ClassView {
  int64_t outer = 1;
  int64_t classes = 1;
  int64_t inner = 1;

  ClassView(const Shape& shape, int64_t axis) {
    for (int64_t i = 0; i < static_cast<int64_t>(shape.size()); ++i) {
      int64_t& extent = i < axis ? outer : i == axis ? classes : inner;
      extent *= shape[static_cast<size_t>(i)];
    }
  }

  int64_t positions() const { return outer * inner; }

  // The first class with the largest number at a position.
  int64_t LargestClass(const std::vector<double>& numbers, int64_t position) const {
    const int64_t start = position / inner * classes * inner + position % inner;
    int64_t largest = 0;
    for (int64_t c = 1; c < classes; ++c) {
      if (numbers[static_cast<size_t>(start + c * inner)] >
          numbers[static_cast<size_t>(start + largest * inner)]) {
        largest = c;
      }
    }
    return largest;
  }
};

class ClassAccuracy : public MeanMetric {
 public:
  explicit ClassAccuracy(const MetricTask& task) : task_(task) {}

  absl::Status Update(const Tensor& prediction, const Tensor& target) override {
    STROP_ASSIGN_OR_RETURN(const std::vector<double> logits, NumericElements(prediction));
    STROP_ASSIGN_OR_RETURN(const std::vector<double> targets, NumericElements(target));
    const ClassView view(prediction.shape(), task_.class_axis);
    const bool is_soft = target.shape() == prediction.shape();
    for (int64_t p = 0; p < view.positions(); ++p) {
      const int64_t label = is_soft ? view.LargestClass(targets, p)
                                    : static_cast<int64_t>(targets[static_cast<size_t>(p)]);
      if (!is_soft && label == task_.ignore_index) continue;
      Add(view.LargestClass(logits, p) == label ? 1 : 0);
    }
    return absl::OkStatus();
  }

 private:
  const MetricTask task_;
};

// A metric whose value is a mean of function(prediction, target) over the elements.
class ElementMetric : public MeanMetric {
 public:
  using Function = double (*)(double prediction, double target);
  explicit ElementMetric(Function function) : function_(function) {}

  absl::Status Update(const Tensor& prediction, const Tensor& target) override {
    STROP_ASSIGN_OR_RETURN(const std::vector<double> predictions, NumericElements(prediction));
    STROP_ASSIGN_OR_RETURN(const std::vector<double> targets, NumericElements(target));
    for (size_t i = 0; i < predictions.size(); ++i) Add(function_(predictions[i], targets[i]));
    return absl::OkStatus();
  }

 private:
  const Function function_;
};

class RootMeanSquaredError : public ElementMetric {
 public:
  RootMeanSquaredError() : ElementMetric([](double x, double t) { return (x - t) * (x - t); }) {}
  double Value() const override { return std::sqrt(ElementMetric::Value()); }
};

double SignAgrees(double logit, double target) { return (logit > 0) == (target > 0.5) ? 1 : 0; }
double AbsoluteError(double prediction, double target) { return std::abs(prediction - target); }

}  // namespace

absl::StatusOr<std::unique_ptr<Metric>> MakeMetric(std::string_view name, const MetricTask& task) {
  const bool is_binary = task.loss == LossKind::kBinaryCrossEntropy;
  const bool is_classification = is_binary || task.loss == LossKind::kCrossEntropy;
  std::unique_ptr<Metric> metric;
  if (name == "accuracy" && is_binary) metric = std::make_unique<ElementMetric>(SignAgrees);
  if (name == "accuracy" && !is_binary) metric = std::make_unique<ClassAccuracy>(task);
  if (name == "mae") metric = std::make_unique<ElementMetric>(AbsoluteError);
  if (name == "rmse") metric = std::make_unique<RootMeanSquaredError>();
  if (metric == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat("evaluate: unknown metric \"", std::string(name),
                                                   "\", expected accuracy, mae or rmse"));
  }
  if ((name == "accuracy") == is_classification) return metric;
  return absl::InvalidArgumentError(absl::StrCat(
      "evaluate: metric ", std::string(name), " does not suit the loss; expected ",
      is_classification ? "accuracy with the cross-entropies" : "mae or rmse with this loss"));
}

}  // namespace strop
