#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "graph/graph.h"
#include "graph/status_macros.h"

namespace strop {

// A window that slides over the spatial axes of a tensor [N,C,…]: what convolutions and pooling
// share. Every member has one entry a spatial axis.
struct Window {
  Shape input;
  Shape output;
  Shape kernel;
  Shape strides;
  Shape dilations;
  Shape pads_begin;
  Shape pads_end;  // as asked for; the last window may end before it, or reach beyond it

  size_t rank() const { return input.size(); }
  int64_t input_size() const { return ElementCount(input); }
  int64_t output_size() const { return ElementCount(output); }
  int64_t kernel_size() const { return ElementCount(kernel); }

  // Cells that the dilated kernel spans.
  int64_t extent(size_t axis) const { return (kernel[axis] - 1) * dilations[axis] + 1; }

  // Cells beyond the input that the last window reaches; negative when it ends before.
  int64_t reach_beyond(size_t axis) const {
    return (output[axis] - 1) * strides[axis] + extent(axis) - input[axis] - pads_begin[axis];
  }
};

// The attributes kernel_shape, strides, dilations, pads and auto_pad of Conv and the pools, as the
// node has them.
struct WindowAttributes {
  Shape kernel;
  Shape strides;
  Shape dilations;
  Shape pads;  // all beginnings, then all ends
  std::string auto_pad;

  explicit WindowAttributes(const Node& node);
};

// Refuses values that no shape could satisfy: strides or dilations below 1, an unknown auto_pad.
absl::Status CheckWindowAttributes(const Node& node);

// How a window rounds the number of its positions.
enum class WindowRounding { kFloor, kCeiling };

// The window of a node over `input`'s spatial axes. `kernel` replaces an absent kernel_shape and
// must agree with a present one. InvalidArgument when the ranks differ or the window does not fit.
absl::StatusOr<Window> MakeWindow(const Node& node, const Shape& input_spatial, const Shape& kernel,
                                  WindowRounding rounding);

// cells[k·output_size + s] = the input cell under kernel cell k at output cell s, or kOutsideCell.
inline constexpr int64_t kOutsideCell = -1;
std::vector<int64_t> CellTable(const Window& window);

// The spatial axes of a tensor [N,C,…].
Shape SpatialAxes(const Shape& shape);

}  // namespace strop
