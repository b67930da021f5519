#include "plugin/operations/landscape/landscape_subject.h"

#include <algorithm>
#include <filesystem>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"

namespace strop {
namespace {

namespace fs = std::filesystem;

absl::Status AddPaths(const LandscapeArguments& arguments, LandscapeSubject& subject) {
  for (const std::vector<std::string>& files : arguments.paths) {
    const std::string name = absl::StrCat(fs::path(files.front()).stem().string(), " … ",
                                          fs::path(files.back()).stem().string());
    STROP_ASSIGN_OR_RETURN(TrainingPath path,
                           ReadPath(name, files, subject.model, arguments.model));
    subject.paths.push_back(std::move(path));
  }
  for (const std::string& folder : arguments.run_directories) {
    STROP_ASSIGN_OR_RETURN(const std::vector<std::string> files, CheckpointsOfRun(folder));
    STROP_ASSIGN_OR_RETURN(TrainingPath path,
                           ReadPath(folder, files, subject.model, arguments.model));
    subject.paths.push_back(std::move(path));
  }
  return absl::OkStatus();
}

// From the least to the greatest position and the trained weights, and the margin around.
std::vector<double> AxisAround(std::vector<double> positions, double margin, int64_t resolution) {
  positions.push_back(0);
  const auto [low, high] = std::minmax_element(positions.begin(), positions.end());
  const double room = (*high - *low) * margin;
  return EvenlySpaced(*low - room, *high + room, resolution);
}

absl::Status LayPlane(const LandscapeArguments& arguments, LandscapeSubject& subject) {
  subject.plane = std::make_shared<WeightPlane>();
  WeightPlane& plane = *subject.plane;
  plane.center = TrainedWeights(subject.model);
  if (plane.center.empty()) {
    return absl::InvalidArgumentError(
        "landscape: the model has no trained tensor; see \"strop inspect\", and choose some with "
        "--train");
  }
  if (subject.paths.empty()) {
    const uint64_t seed = arguments.model.seed;
    STROP_ASSIGN_OR_RETURN(plane.x_direction,
                           RandomDirection(subject.model, plane.center, seed, 0));
    STROP_ASSIGN_OR_RETURN(plane.y_direction,
                           RandomDirection(subject.model, plane.center, seed, 1));
    const double range = arguments.range.value_or(1);
    const std::vector<double> axis = EvenlySpaced(-range, range, arguments.resolution);
    subject.grid = EmptyGrid(axis, axis);
    return absl::OkStatus();
  }
  std::vector<WeightVector> points;
  for (const TrainingPath& path : subject.paths) {
    for (const TrainingPath::Point& point : path.points) points.push_back(point.weights);
  }
  STROP_ASSIGN_OR_RETURN(PathPlane path_plane, PlaneOfPath(plane.center, points));
  plane = std::move(path_plane.plane);
  subject.positions = std::move(path_plane.positions);
  subject.explained = path_plane.explained;
  std::vector<double> x;
  std::vector<double> y;
  for (const PlanePosition& position : subject.positions) {
    x.push_back(position.x);
    y.push_back(position.y);
  }
  const double margin = arguments.margin.value_or(0.25);
  subject.grid = EmptyGrid(AxisAround(std::move(x), margin, arguments.resolution),
                           AxisAround(std::move(y), margin, arguments.resolution));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<LandscapeSubject> ReadSubject(const LandscapeArguments& arguments) {
  LandscapeSubject subject;
  STROP_ASSIGN_OR_RETURN(subject.model, LoadModel(arguments.model));
  STROP_RETURN_IF_ERROR(AddPaths(arguments, subject));
  STROP_RETURN_IF_ERROR(LayPlane(arguments, subject));
  return subject;
}

}  // namespace strop
