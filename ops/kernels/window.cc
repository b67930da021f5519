#include "ops/kernels/window.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace strop {
namespace {

Shape ToShape(const std::vector<int64_t>& values) { return Shape(values.begin(), values.end()); }

absl::Status WindowError(const Node& node, const std::string& found, const std::string& expected) {
  return absl::InvalidArgumentError(
      absl::StrCat(NodeLabel(node), ": found ", found, ", expected ", expected));
}

// Attributes that have the wrong number of entries for `rank` spatial axes; defaults filled in.
absl::Status FitToRank(const Node& node, size_t rank, WindowAttributes& attributes) {
  if (attributes.strides.empty()) attributes.strides.assign(rank, 1);
  if (attributes.dilations.empty()) attributes.dilations.assign(rank, 1);
  if (attributes.pads.empty()) attributes.pads.assign(2 * rank, 0);
  if (attributes.kernel.size() != rank || attributes.strides.size() != rank ||
      attributes.dilations.size() != rank || attributes.pads.size() != 2 * rank) {
    return WindowError(
        node,
        absl::StrCat("kernel_shape ", ShapeName(attributes.kernel), ", strides ",
                     ShapeName(attributes.strides), ", dilations ", ShapeName(attributes.dilations),
                     ", pads ", ShapeName(attributes.pads)),
        absl::StrCat("one entry (two for pads) for each of ", rank, " spatial axes"));
  }
  return absl::OkStatus();
}

int64_t CeilingOfQuotient(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Sets output and pads_begin along one axis.
void PlaceAlongAxis(size_t axis, const WindowAttributes& attributes, WindowRounding rounding,
                    Window& window) {
  const int64_t input = window.input[axis];
  const int64_t stride = window.strides[axis];
  const int64_t extent = window.extent(axis);
  if (attributes.auto_pad == "SAME_UPPER" || attributes.auto_pad == "SAME_LOWER") {
    window.output[axis] = CeilingOfQuotient(input, stride);
    const int64_t total = std::max<int64_t>((window.output[axis] - 1) * stride + extent - input, 0);
    window.pads_begin[axis] = attributes.auto_pad == "SAME_UPPER" ? total / 2 : total - total / 2;
    window.pads_end[axis] = total - window.pads_begin[axis];
    return;
  }
  const bool has_pads = attributes.auto_pad != "VALID";
  const int64_t begin = has_pads ? attributes.pads[axis] : 0;
  const int64_t end = has_pads ? attributes.pads[window.rank() + axis] : 0;
  const int64_t room = input + begin + end - extent;
  window.pads_begin[axis] = begin;
  window.pads_end[axis] = end;
  if (room < 0) {
    window.output[axis] = -1;
    return;
  }
  window.output[axis] = room / stride + 1;
  if (rounding == WindowRounding::kCeiling) {
    window.output[axis] = CeilingOfQuotient(room, stride) + 1;
    // The last window must begin inside the input or its beginning pad.
    if ((window.output[axis] - 1) * stride >= input + begin) --window.output[axis];
  }
}

}  // namespace

WindowAttributes::WindowAttributes(const Node& node)
    : kernel(ToShape(node.attributes.Ints("kernel_shape"))),
      strides(ToShape(node.attributes.Ints("strides"))),
      dilations(ToShape(node.attributes.Ints("dilations"))),
      pads(ToShape(node.attributes.Ints("pads"))),
      auto_pad(node.attributes.String("auto_pad", "NOTSET")) {}

absl::Status CheckWindowAttributes(const Node& node) {
  const WindowAttributes attributes(node);
  const auto below_one = [](int64_t value) { return value < 1; };
  for (const Shape* values : {&attributes.kernel, &attributes.strides, &attributes.dilations}) {
    if (std::any_of(values->begin(), values->end(), below_one)) {
      return WindowError(node, ShapeName(*values), "kernel_shape, strides and dilations above 0");
    }
  }
  for (const std::string_view mode : {"NOTSET", "", "SAME_UPPER", "SAME_LOWER", "VALID"}) {
    if (attributes.auto_pad == mode) return absl::OkStatus();
  }
  return WindowError(node, "auto_pad " + attributes.auto_pad,
                     "NOTSET, SAME_UPPER, SAME_LOWER or VALID");
}

absl::StatusOr<Window> MakeWindow(const Node& node, const Shape& input_spatial, const Shape& kernel,
                                  WindowRounding rounding) {
  WindowAttributes attributes(node);
  if (attributes.kernel.empty()) attributes.kernel = kernel;
  if (attributes.kernel != kernel) {
    return WindowError(node, "kernel_shape " + ShapeName(attributes.kernel),
                       "the weight's " + ShapeName(kernel));
  }
  STROP_RETURN_IF_ERROR(FitToRank(node, input_spatial.size(), attributes));
  Window window;
  window.input = input_spatial;
  window.output.resize(window.rank());
  window.pads_begin.resize(window.rank());
  window.pads_end.resize(window.rank());
  window.kernel = attributes.kernel;
  window.strides = attributes.strides;
  window.dilations = attributes.dilations;
  for (size_t axis = 0; axis < window.rank(); ++axis) {
    PlaceAlongAxis(axis, attributes, rounding, window);
    if (window.output[axis] < 0) {
      return WindowError(node,
                         absl::StrCat("a kernel that spans ", window.extent(axis),
                                      " cells over an axis of ", window.input[axis]),
                         "a kernel that fits into the padded input");
    }
  }
  return window;
}

std::vector<int64_t> CellTable(const Window& window) {
  const int64_t outputs = window.output_size();
  const Shape input_strides = DenseStrides(window.input);
  const Shape output_strides = DenseStrides(window.output);
  const Shape kernel_strides = DenseStrides(window.kernel);
  std::vector<int64_t> cells(static_cast<size_t>(window.kernel_size() * outputs));
  for (int64_t k = 0; k < window.kernel_size(); ++k) {
    for (int64_t s = 0; s < outputs; ++s) {
      int64_t cell = 0;
      for (size_t axis = 0; axis < window.rank(); ++axis) {
        const int64_t out = s / output_strides[axis] % window.output[axis];
        const int64_t tap = k / kernel_strides[axis] % window.kernel[axis];
        const int64_t in =
            out * window.strides[axis] + tap * window.dilations[axis] - window.pads_begin[axis];
        if (in < 0 || in >= window.input[axis]) {
          cell = kOutsideCell;
          break;
        }
        cell += in * input_strides[axis];
      }
      cells[static_cast<size_t>(k * outputs + s)] = cell;
    }
  }
  return cells;
}

Shape SpatialAxes(const Shape& shape) { return Shape(shape.begin() + 2, shape.end()); }

}  // namespace strop
