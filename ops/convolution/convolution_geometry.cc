#include <algorithm>

#include "absl/strings/str_cat.h"
#include "ops/convolution/convolution.h"

namespace strop {
namespace {

Shape KernelOf(const Shape& w) { return Shape(w.begin() + 2, w.end()); }

absl::Status GeometryError(const Node& node, const std::string& found,
                           const std::string& expected) {
  return absl::InvalidArgumentError(
      absl::StrCat(NodeLabel(node), ": found ", found, ", expected ", expected));
}

absl::Status CheckRanks(const Node& node, const Shape& x, const Shape& w) {
  if (x.size() >= 3 && x.size() == w.size()) return absl::OkStatus();
  return GeometryError(node, absl::StrCat("X ", ShapeName(x), " and W ", ShapeName(w)),
                       "equal ranks of at least 3");
}

Shape WithSpatialAxes(int64_t batch, int64_t channels, const Shape& spatial) {
  Shape shape = {batch, channels};
  shape.insert(shape.end(), spatial.begin(), spatial.end());
  return shape;
}

// The attributes of ConvTranspose, defaults filled in.
struct TransposeAttributes {
  WindowAttributes window;
  Shape output_padding;
  Shape output_shape;  // spatial; empty when absent

  static absl::StatusOr<TransposeAttributes> Of(const Node& node, const Shape& spatial,
                                                const Shape& kernel);

  // Sets the window's input (the transposed convolution's output) and beginning pad on an axis.
  void Place(size_t axis, Window& convolution) const;
};

absl::StatusOr<TransposeAttributes> TransposeAttributes::Of(const Node& node, const Shape& spatial,
                                                            const Shape& kernel) {
  const size_t rank = spatial.size();
  const auto ints = [&node](std::string_view name) {
    const std::vector<int64_t> values = node.attributes.Ints(name);
    return Shape(values.begin(), values.end());
  };
  TransposeAttributes attributes{WindowAttributes(node), ints("output_padding"),
                                 ints("output_shape")};
  WindowAttributes& window = attributes.window;
  if (window.kernel.empty()) window.kernel = kernel;
  if (window.strides.empty()) window.strides.assign(rank, 1);
  if (window.dilations.empty()) window.dilations.assign(rank, 1);
  if (window.pads.empty()) window.pads.assign(2 * rank, 0);
  if (attributes.output_padding.empty()) attributes.output_padding.assign(rank, 0);
  Shape& output_shape = attributes.output_shape;
  // Some exporters write the batch and channel axes too.
  if (output_shape.size() == rank + 2) output_shape = SpatialAxes(output_shape);
  const bool fits = window.kernel == kernel && window.strides.size() == rank &&
                    window.dilations.size() == rank && window.pads.size() == 2 * rank &&
                    attributes.output_padding.size() == rank &&
                    (output_shape.empty() || output_shape.size() == rank);
  if (fits) return attributes;
  return GeometryError(node, "attributes of another rank than X, or another kernel_shape than W's",
                       absl::StrCat("one entry (two for pads) for each of ", rank,
                                    " spatial axes, kernel_shape ", ShapeName(kernel)));
}

void TransposeAttributes::Place(size_t axis, Window& convolution) const {
  const size_t rank = convolution.rank();
  const bool upper = window.auto_pad == "SAME_UPPER";
  const bool same = upper || window.auto_pad == "SAME_LOWER";
  const int64_t stride = convolution.strides[axis];
  const int64_t reach =
      stride * (convolution.output[axis] - 1) + output_padding[axis] + convolution.extent(axis);
  if (!same && output_shape.empty()) {
    const bool has_pads = window.auto_pad != "VALID";
    convolution.pads_begin[axis] = has_pads ? window.pads[axis] : 0;
    convolution.input[axis] =
        reach - convolution.pads_begin[axis] - (has_pads ? window.pads[rank + axis] : 0);
    return;
  }
  convolution.input[axis] =
      output_shape.empty() ? convolution.output[axis] * stride : output_shape[axis];
  const int64_t total = std::max<int64_t>(reach - convolution.input[axis], 0);
  convolution.pads_begin[axis] = upper ? total / 2 : total - total / 2;
}

}  // namespace

Shape ConvolutionGeometry::input_shape() const {
  return WithSpatialAxes(batch, input_channels, window.input);
}

Shape ConvolutionGeometry::output_shape() const {
  return WithSpatialAxes(batch, output_channels, window.output);
}

Shape ConvolutionGeometry::weight_shape() const {
  return WithSpatialAxes(output_channels, group_inputs(), window.kernel);
}

Shape ConvolutionGeometry::grouped_weight_shape() const {
  Shape shape = WithSpatialAxes(group_outputs(), group_inputs(), window.kernel);
  shape.insert(shape.begin(), groups);
  return shape;
}

absl::StatusOr<ConvolutionGeometry> ConvGeometry(const Node& node, const Shape& x, const Shape& w) {
  STROP_RETURN_IF_ERROR(CheckRanks(node, x, w));
  ConvolutionGeometry geometry;
  geometry.batch = x[0];
  geometry.groups = node.attributes.Int("group", 1);
  geometry.input_channels = x[1];
  geometry.output_channels = w[0];
  if (x[1] != w[1] * geometry.groups || w[0] % geometry.groups != 0) {
    return GeometryError(
        node, absl::StrCat("X ", ShapeName(x), " and W ", ShapeName(w)),
        absl::StrCat("W[M,C/group,…] with M divisible by group ", geometry.groups));
  }
  STROP_ASSIGN_OR_RETURN(geometry.window,
                         MakeWindow(node, SpatialAxes(x), KernelOf(w), WindowRounding::kFloor));
  return geometry;
}

absl::StatusOr<ConvolutionGeometry> ConvTransposeGeometry(const Node& node, const Shape& x,
                                                          const Shape& w) {
  STROP_RETURN_IF_ERROR(CheckRanks(node, x, w));
  ConvolutionGeometry geometry;
  geometry.batch = x[0];
  geometry.groups = node.attributes.Int("group", 1);
  geometry.output_channels = x[1];
  geometry.input_channels = w[1] * geometry.groups;
  if (x[1] != w[0] || w[0] % geometry.groups != 0) {
    return GeometryError(
        node, absl::StrCat("X ", ShapeName(x), " and W ", ShapeName(w)),
        absl::StrCat("W[C,M/group,…] with C divisible by group ", geometry.groups));
  }
  STROP_ASSIGN_OR_RETURN(const TransposeAttributes attributes,
                         TransposeAttributes::Of(node, SpatialAxes(x), KernelOf(w)));
  Window& window = geometry.window;
  window.output = SpatialAxes(x);
  window.input.resize(window.output.size());
  window.pads_begin.resize(window.output.size());
  window.kernel = attributes.window.kernel;
  window.strides = attributes.window.strides;
  window.dilations = attributes.window.dilations;
  for (size_t axis = 0; axis < window.rank(); ++axis) {
    attributes.Place(axis, window);
    window.pads_end.push_back(window.reach_beyond(axis));
    if (window.input[axis] < 0) {
      return GeometryError(node, absl::StrCat("pads larger than the output along axis ", axis + 2),
                           "smaller pads");
    }
  }
  return geometry;
}

}  // namespace strop
