#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "ops/core/type_context.h"
#include "ops/resize/resize.h"

namespace strop {
namespace {

// The coordinate in X of coordinate j of Y.
double OriginalCoordinate(const std::string& mode, const ResizedAxis& axis, int64_t j) {
  const auto x = static_cast<double>(j);
  const auto input = static_cast<double>(axis.input_length);
  // May be fractional when it follows from a scale.
  const double output = axis.scale * input;
  if (mode == "asymmetric") return x / axis.scale;
  if (mode == "align_corners") return output == 1 ? 0 : x * (input - 1) / (output - 1);
  if (mode == "tf_crop_and_resize") {
    const double start = axis.roi_start;
    const double end = axis.roi_end;
    if (axis.output_length <= 1) return 0.5 * (start + end) * (input - 1);
    return start * (input - 1) +
           x * (end - start) * (input - 1) / static_cast<double>(axis.output_length - 1);
  }
  if (mode == "pytorch_half_pixel" && axis.output_length <= 1) return 0;
  const double half_pixel = (x + 0.5) / axis.scale - 0.5;
  if (mode != "half_pixel_symmetric") return half_pixel;
  const double adjustment = static_cast<double>(axis.output_length) / output;
  return input / 2 * (1 - adjustment) + half_pixel;
}

// Whether nearest takes the upper neighbour at a fraction in (0, 1).
bool RoundsUp(const std::string& mode, double fraction) {
  if (mode == "floor") return false;
  if (mode == "ceil") return true;
  return mode == "round_prefer_ceil" ? fraction >= 0.5 : fraction > 0.5;
}

double Triangle(double distance) { return std::max(1 - std::abs(distance), 0.0); }

// Keys' cubic convolution kernel.
double Cubic(double distance, double a) {
  const double x = std::abs(distance);
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
  return 0;
}

void AddNearest(const ResizeAttributes& attributes, double coordinate, AxisMap& map) {
  const double below = std::floor(coordinate);
  const bool up = coordinate != below && RoundsUp(attributes.nearest_mode, coordinate - below);
  const int64_t cell = static_cast<int64_t>(below) + (up ? 1 : 0);
  map.taps.push_back(std::clamp<int64_t>(cell, 0, map.input_length - 1));
  map.weights.push_back(1);
}

// Taps of linear and cubic around a coordinate.
void AddFiltered(const ResizeAttributes& attributes, double scale, double coordinate,
                 AxisMap& map) {
  const bool is_cubic = attributes.mode == "cubic";
  const double radius = is_cubic ? 2 : 1;
  const double stretch = attributes.antialias ? std::min(scale, 1.0) : 1.0;
  // The cell left of the coordinate; a coordinate on a cell counts as right of the one before.
  const auto left = static_cast<int64_t>(std::ceil(coordinate)) - 1;
  const auto first = static_cast<int64_t>(std::floor(-radius / stretch)) + 1;
  const int64_t last = 1 - first;
  const size_t begin = map.weights.size();
  double total = 0;
  for (int64_t i = left + first; i <= left + last; ++i) {
    const double distance = (static_cast<double>(i) - coordinate) * stretch;
    double weight = is_cubic ? Cubic(distance, attributes.cubic_coefficient) : Triangle(distance);
    const bool is_outside = i < 0 || i >= map.input_length;
    if (is_outside && attributes.exclude_outside) weight = 0;
    total += weight;
    if (weight == 0) continue;
    map.taps.push_back(std::clamp<int64_t>(i, 0, map.input_length - 1));
    map.weights.push_back(weight);
  }
  for (size_t t = begin; t < map.weights.size(); ++t) map.weights[t] /= total;
}

absl::Status ResizeError(const Node& node, const std::string& found, const std::string& expected) {
  return absl::InvalidArgumentError(
      absl::StrCat(NodeLabel(node), ": found ", found, ", expected ", expected));
}

// Lengths and scales from `sizes`.
void ApplySizes(const ResizeAttributes& attributes, const std::vector<size_t>& axes,
                const std::vector<int64_t>& sizes, std::vector<ResizedAxis>& result) {
  const auto ratio = [&](size_t i) {
    return static_cast<double>(sizes[i]) / static_cast<double>(result[axes[i]].input_length);
  };
  const bool stretch = attributes.aspect_ratio_policy == "stretch";
  double shared = sizes.empty() ? 1 : ratio(0);
  for (size_t i = 1; i < axes.size(); ++i) {
    shared = attributes.aspect_ratio_policy == "not_larger" ? std::min(shared, ratio(i))
                                                            : std::max(shared, ratio(i));
  }
  for (size_t i = 0; i < axes.size(); ++i) {
    ResizedAxis& axis = result[axes[i]];
    axis.scale = stretch ? ratio(i) : shared;
    const double length = shared * static_cast<double>(axis.input_length);
    axis.output_length = stretch ? sizes[i] : static_cast<int64_t>(std::floor(length + 0.5));
  }
}

}  // namespace

ResizeAttributes::ResizeAttributes(const Node& node)
    : mode(node.attributes.String("mode", "nearest")),
      coordinates(node.attributes.String("coordinate_transformation_mode", "half_pixel")),
      nearest_mode(node.attributes.String("nearest_mode", "round_prefer_floor")),
      aspect_ratio_policy(node.attributes.String("keep_aspect_ratio_policy", "stretch")),
      antialias(node.attributes.Int("antialias", 0) != 0),
      exclude_outside(node.attributes.Int("exclude_outside", 0) != 0),
      cubic_coefficient(node.attributes.Float("cubic_coeff_a", -0.75)),
      extrapolation_value(node.attributes.Float("extrapolation_value", 0)),
      axes(node.attributes.Ints("axes")) {}

absl::StatusOr<std::vector<ResizedAxis>> ResizeAxes(const Node& node, const Shape& x,
                                                    const std::vector<double>& roi,
                                                    const std::vector<double>& scales,
                                                    const std::vector<int64_t>& sizes) {
  const ResizeAttributes attributes(node);
  const auto rank = static_cast<int64_t>(x.size());
  std::vector<ResizedAxis> result(x.size());
  for (size_t i = 0; i < x.size(); ++i) result[i].input_length = result[i].output_length = x[i];
  std::vector<size_t> axes;
  for (const int64_t axis : attributes.axes) {
    STROP_ASSIGN_OR_RETURN(const int64_t from_front, NormalizeAxis(axis, rank));
    axes.push_back(static_cast<size_t>(from_front));
  }
  if (attributes.axes.empty()) {
    for (size_t i = 0; i < x.size(); ++i) axes.push_back(i);
  }
  if (scales.empty() == sizes.empty()) {
    return ResizeError(node, scales.empty() ? "neither scales nor sizes" : "scales and sizes",
                       "one of them");
  }
  const bool has_roi = attributes.coordinates == "tf_crop_and_resize";
  if ((scales.empty() ? sizes.size() : scales.size()) != axes.size() ||
      (has_roi && roi.size() != 2 * axes.size())) {
    return ResizeError(node, "scales, sizes or roi of another length",
                       absl::StrCat("one entry (two for roi) for each of ", axes.size(), " axes"));
  }
  for (size_t i = 0; i < axes.size() && has_roi; ++i) {
    result[axes[i]].roi_start = roi[i];
    result[axes[i]].roi_end = roi[axes.size() + i];
  }
  if (!sizes.empty()) ApplySizes(attributes, axes, sizes, result);
  for (size_t i = 0; i < scales.size(); ++i) {
    ResizedAxis& axis = result[axes[i]];
    // In float, like the scales themselves: 10 · 0.7f is 7.
    const float length = static_cast<float>(axis.input_length) *
                         static_cast<float>(axis.roi_end - axis.roi_start) *
                         static_cast<float>(scales[i]);
    axis.scale = scales[i];
    axis.output_length = scales[i] > 0 && length >= 0 && length < 1e9F
                             ? static_cast<int64_t>(std::floor(length))
                             : -1;
  }
  for (const ResizedAxis& axis : result) {
    if (axis.output_length < 0 || (axis.output_length > 0 && axis.input_length == 0)) {
      return ResizeError(
          node, absl::StrCat("an axis of ", axis.input_length, " resized to ", axis.output_length),
          "scales above 0 and sizes that an axis can be resized to");
    }
  }
  return result;
}

bool AxisMap::is_identity() const {
  if (output_length() != input_length || !offsets.empty()) return false;
  if (static_cast<int64_t>(taps.size()) != input_length) return false;
  for (int64_t j = 0; j < input_length; ++j) {
    const auto at = static_cast<size_t>(j);
    if (starts[at + 1] != j + 1 || taps[at] != j || weights[at] != 1) return false;
  }
  return true;
}

AxisMap AxisMap::Transposed() const {
  AxisMap transposed;
  transposed.input_length = output_length();
  transposed.starts.assign(static_cast<size_t>(input_length) + 1, 0);
  for (const int64_t tap : taps) ++transposed.starts[static_cast<size_t>(tap) + 1];
  for (size_t i = 1; i < transposed.starts.size(); ++i) {
    transposed.starts[i] += transposed.starts[i - 1];
  }
  std::vector<int64_t> next(transposed.starts.begin(), transposed.starts.end() - 1);
  transposed.taps.resize(taps.size());
  transposed.weights.resize(taps.size());
  for (int64_t j = 0; j < output_length(); ++j) {
    for (int64_t t = starts[static_cast<size_t>(j)]; t < starts[static_cast<size_t>(j) + 1]; ++t) {
      const auto from = static_cast<size_t>(t);
      const auto to = static_cast<size_t>(next[static_cast<size_t>(taps[from])]++);
      transposed.taps[to] = j;
      transposed.weights[to] = weights[from];
    }
  }
  return transposed;
}

AxisMap MakeAxisMap(const ResizeAttributes& attributes, const ResizedAxis& axis) {
  AxisMap map;
  map.input_length = axis.input_length;
  const bool can_leave = attributes.coordinates == "tf_crop_and_resize";
  if (can_leave) map.offsets.assign(static_cast<size_t>(axis.output_length), 0);
  for (int64_t j = 0; j < axis.output_length; ++j) {
    const double coordinate = OriginalCoordinate(attributes.coordinates, axis, j);
    if (can_leave && (coordinate < 0 || coordinate > static_cast<double>(axis.input_length - 1))) {
      map.offsets[static_cast<size_t>(j)] = attributes.extrapolation_value;
    } else if (attributes.mode == "nearest") {
      AddNearest(attributes, coordinate, map);
    } else {
      AddFiltered(attributes, axis.scale, coordinate, map);
    }
    map.starts.push_back(static_cast<int64_t>(map.taps.size()));
  }
  const auto is_zero = [](double offset) { return offset == 0; };
  if (std::all_of(map.offsets.begin(), map.offsets.end(), is_zero)) map.offsets.clear();
  return map;
}

}  // namespace strop
