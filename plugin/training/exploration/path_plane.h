#pragma once

#include <array>
#include <vector>

#include "absl/status/statusor.h"
#include "plugin/training/exploration/landscape.h"

namespace strop {

// A point's place in a plane, in the directions' lengths.
struct PlanePosition {
  double x = 0;
  double y = 0;
};

// The plane through a model's weights that a training's path keeps closest to.
struct PathPlane {
  WeightPlane plane;                         // of directions of length 1, at right angles
  std::vector<PlanePosition> positions;      // one per point: where it falls onto the plane
  std::array<double, 2> explained = {0, 0};  // share of the points' variance along each direction
};

// The first two principal components of `points`, as Li et al. (NeurIPS 2018, section 7) lay them
// through the trained weights `center`: x the first. The first point of all lies at negative x and
// y. InvalidArgument when the points span no plane.
absl::StatusOr<PathPlane> PlaneOfPath(const WeightVector& center,
                                      const std::vector<WeightVector>& points);

}  // namespace strop
