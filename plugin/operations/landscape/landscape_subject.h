#pragma once

#include <array>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "importer/importer.h"
#include "plugin/operations/landscape/landscape_options.h"
#include "plugin/operations/landscape/landscape_path.h"
#include "plugin/training/exploration/landscape.h"
#include "plugin/training/exploration/path_plane.h"

namespace strop {

// What a landscape is of: the model, the plane and where the paths lie in it.
struct LandscapeSubject {
  ImportedModel model;
  std::shared_ptr<WeightPlane> plane;
  std::vector<TrainingPath> paths;
  std::vector<PlanePosition> positions;  // of all paths' points
  std::array<double, 2> explained = {0, 0};
  LossGrid grid;  // empty
};

// Reads the model and the paths and lays the plane.
absl::StatusOr<LandscapeSubject> ReadSubject(const LandscapeArguments& arguments);

}  // namespace strop
