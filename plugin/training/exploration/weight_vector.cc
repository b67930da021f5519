#include "plugin/training/exploration/weight_vector.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "importer/parameters/weight_units.h"
#include "ops/kernels/parallel_for.h"
#include "ops/kernels/philox.h"

namespace strop {
namespace {

constexpr int64_t kGrain = 4096;

// Two independent standard normal numbers (Box and Muller 1958), 53 bits each.
struct NormalPair {
  double first;
  double second;
};
NormalPair Normals(const Philox::Words& words) {
  const auto unit = [](uint32_t high, uint32_t low) {  // in (0, 1)
    const uint64_t bits = (static_cast<uint64_t>(high) << 32 | low) >> 11;
    return (static_cast<double>(bits) + 0.5) * 0x1p-53;
  };
  const double radius = std::sqrt(-2 * std::log(unit(words[0], words[1])));
  const double angle = 2 * std::numbers::pi * unit(words[2], words[3]);
  return {radius * std::cos(angle), radius * std::sin(angle)};
}

bool IsVector(const Shape& shape) {
  return std::count_if(shape.begin(), shape.end(), [](int64_t d) { return d != 1; }) <= 1;
}

// Which filter the element at a flat index belongs to.
class FilterIndex {
 public:
  FilterIndex(const Shape& shape, const Shape& axes) : shape_(shape), axes_(axes) {
    strides_ = DenseStrides(shape);
  }
  size_t count() const {
    int64_t count = 1;
    for (const int64_t axis : axes_) count *= shape_[static_cast<size_t>(axis)];
    return static_cast<size_t>(count);
  }
  size_t operator()(size_t element) const {
    int64_t filter = 0;
    for (const int64_t axis : axes_) {
      const auto a = static_cast<size_t>(axis);
      filter = filter * shape_[a] + static_cast<int64_t>(element) / strides_[a] % shape_[a];
    }
    return static_cast<size_t>(filter);
  }

 private:
  Shape shape_;
  Shape axes_;
  Shape strides_;
};

// Scales the part of each filter of `direction` to the length of the filter of `weights`.
void NormalizeFilters(const std::vector<double>& weights, const FilterIndex& filter_of,
                      std::vector<double>& direction) {
  std::vector<double> weight_square(filter_of.count());
  std::vector<double> direction_square(filter_of.count());
  for (size_t i = 0; i < weights.size(); ++i) {
    weight_square[filter_of(i)] += weights[i] * weights[i];
    direction_square[filter_of(i)] += direction[i] * direction[i];
  }
  for (size_t i = 0; i < weights.size(); ++i) {
    const size_t filter = filter_of(i);
    direction[i] *= std::sqrt(weight_square[filter] / direction_square[filter]);
  }
}

absl::StatusOr<Tensor> MovedTensor(const std::string& name, const Tensor& start,
                                   absl::Span<const WeightTerm> terms) {
  STROP_ASSIGN_OR_RETURN(std::vector<double> sum, NumericElements(start));
  for (const WeightTerm& term : terms) {
    const auto found = term.direction->find(name);
    if (found == term.direction->end() || found->second.shape() != start.shape()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "landscape: \"", name, "\" is ", ShapeName(start.shape()),
          " in the model, and missing or of another shape in a direction; both must be of one "
          "model"));
    }
    STROP_ASSIGN_OR_RETURN(const std::vector<double> step, NumericElements(found->second));
    ParallelFor(start.element_count(), kGrain, [&](int64_t begin, int64_t end) {
      for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i) {
        sum[i] += term.factor * step[i];
      }
    });
  }
  return ConvertTensor(Tensor::FromVector(start.shape(), sum), start.type());
}

}  // namespace

WeightVector TrainedWeights(const ImportedModel& model) {
  WeightVector weights;
  for (const Parameter& parameter : model.parameters) {
    if (parameter.role != Parameter::Role::kTrained) continue;
    const Value& value = model.graph.value(parameter.value);
    weights[value.name] = value.tensor;
  }
  return weights;
}

absl::StatusOr<WeightVector> Moved(const WeightVector& start, absl::Span<const WeightTerm> terms) {
  WeightVector moved;
  for (const auto& [name, tensor] : start) {
    STROP_ASSIGN_OR_RETURN(moved[name], MovedTensor(name, tensor, terms));
  }
  return moved;
}

absl::StatusOr<WeightVector> RandomDirection(const ImportedModel& model,
                                             const WeightVector& weights, uint64_t seed,
                                             uint64_t number) {
  WeightVector direction;
  const GraphIndex index(model.graph);
  for (size_t n = 0; n < model.parameters.size(); ++n) {
    const Value& value = model.graph.value(model.parameters[n].value);
    const auto found = weights.find(value.name);
    if (found == weights.end()) continue;
    const Tensor& weight = found->second;
    if (IsVector(weight.shape())) {
      direction[value.name] = Tensor(weight.type(), weight.shape());
      continue;
    }
    const Philox random(seed, n, number);
    std::vector<double> elements(static_cast<size_t>(weight.element_count()));
    for (size_t i = 0; i < elements.size(); i += 2) {
      const NormalPair pair = Normals(random(i / 2));
      elements[i] = pair.first;
      if (i + 1 < elements.size()) elements[i + 1] = pair.second;
    }
    STROP_ASSIGN_OR_RETURN(const std::vector<double> weight_elements, NumericElements(weight));
    const Shape axes = UnitAxes(model.graph, index, model.parameters[n].value);
    NormalizeFilters(weight_elements, FilterIndex(weight.shape(), axes), elements);
    STROP_ASSIGN_OR_RETURN(
        direction[value.name],
        ConvertTensor(Tensor::FromVector(weight.shape(), elements), weight.type()));
  }
  return direction;
}

}  // namespace strop
