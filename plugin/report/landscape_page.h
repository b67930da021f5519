#pragma once

#include <string>
#include <utility>
#include <vector>

#include "plugin/report/chart.h"
#include "plugin/report/page.h"
#include "plugin/training/exploration/landscape.h"
#include "plugin/training/exploration/path_plane.h"

namespace strop {

// The checkpoints of one training, as they lie in a landscape's plane.
struct LandscapePath {
  struct Point {
    std::string label;  // "step-00000120"
    PlanePosition position;
    double loss = 0;  // of the checkpoint itself, which need not lie in the plane
  };
  std::string name;
  std::vector<Point> points;
};

struct Landscape {
  std::string model;
  std::string loss_name;
  LossGrid grid;  // all done
  double center_loss = 0;
  int64_t sample_count = 0;
  std::vector<LandscapePath> paths;                           // empty: random directions
  std::array<double, 2> explained = {0, 0};                   // of the paths, see PathPlane
  std::vector<std::pair<std::string, std::string>> settings;  // what to say about how it was made
};

// The landscape as charts and pictures take it: losses by their logarithm where they span more than
// a factor of 50.
Field FieldOf(const Landscape& landscape);

Page LandscapePage(const Landscape& landscape);

}  // namespace strop
