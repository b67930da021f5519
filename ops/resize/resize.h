#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "graph/graph.h"
#include "graph/tensor_type.h"

namespace strop {

struct ResizeAttributes {
  std::string mode;                 // nearest, linear, cubic
  std::string coordinates;          // coordinate_transformation_mode
  std::string nearest_mode;         // how nearest rounds
  std::string aspect_ratio_policy;  // how `sizes` treats the aspect ratio
  bool antialias;                   // stretch the filter when downscaling
  bool exclude_outside;             // taps outside X weigh nothing instead of repeating the edge
  double cubic_coefficient;         // Keys' a
  double extrapolation_value;       // of tf_crop_and_resize outside X
  std::vector<int64_t> axes;        // that scales, sizes and roi speak of; empty: all

  explicit ResizeAttributes(const Node& node);
};

// How one axis is resized.
struct ResizedAxis {
  int64_t input_length = 0;
  int64_t output_length = 0;
  double scale = 1;
  double roi_start = 0;
  double roi_end = 1;
};

// Every axis of X from the constants `roi`, `scales` and `sizes` (empty when absent).
// InvalidArgument naming the node when they do not fit X or each other.
absl::StatusOr<std::vector<ResizedAxis>> ResizeAxes(const Node& node, const Shape& x,
                                                    const std::vector<double>& roi,
                                                    const std::vector<double>& scales,
                                                    const std::vector<int64_t>& sizes);

// A linear map along one axis, row by row: output j = offsets[j] + Σ weights[t]·input[taps[t]] over
// t in [starts[j], starts[j+1]).
struct AxisMap {
  int64_t input_length = 0;
  std::vector<int64_t> starts = {0};
  std::vector<int64_t> taps;
  std::vector<double> weights;
  std::vector<double> offsets;  // empty when all are 0

  int64_t output_length() const { return static_cast<int64_t>(starts.size()) - 1; }
  bool is_identity() const;
  // The adjoint map, from output to input; offsets vanish.
  AxisMap Transposed() const;
};

AxisMap MakeAxisMap(const ResizeAttributes& attributes, const ResizedAxis& axis);

// What ONNX Runtime and PyTorch compute otherwise of the node, in one line; empty where nothing.
std::string ResizeDifference(const Graph& graph, const Node& node);

}  // namespace strop
