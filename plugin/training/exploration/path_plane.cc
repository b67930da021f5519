#include "plugin/training/exploration/path_plane.h"

#include <Eigen/Eigenvalues>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"

namespace strop {
namespace {

using Matrix = Eigen::MatrixXd;
using Vector = Eigen::VectorXd;

// The points' differences from the center, of one tensor: a column each.
absl::StatusOr<Matrix> Differences(const std::string& name, const Tensor& center,
                                   const std::vector<WeightVector>& points) {
  STROP_ASSIGN_OR_RETURN(const std::vector<double> origin, NumericElements(center));
  Matrix differences(static_cast<Eigen::Index>(origin.size()),
                     static_cast<Eigen::Index>(points.size()));
  for (size_t i = 0; i < points.size(); ++i) {
    const auto found = points[i].find(name);
    if (found == points[i].end() || found->second.shape() != center.shape()) {
      return absl::InvalidArgumentError(
          absl::StrCat("landscape: tensor \"", name, "\" of the model is missing in point ", i + 1,
                       " of the path, or has another shape there; all must be of one model"));
    }
    STROP_ASSIGN_OR_RETURN(const std::vector<double> point, NumericElements(found->second));
    for (size_t e = 0; e < origin.size(); ++e) {
      differences(static_cast<Eigen::Index>(e), static_cast<Eigen::Index>(i)) =
          point[e] - origin[e];
    }
  }
  return differences;
}

// Σ factorᵢ · (pointᵢ − center), in the center's element types.
absl::StatusOr<WeightVector> CombinationOf(const WeightVector& center,
                                           const std::vector<WeightVector>& points,
                                           const Vector& factors) {
  WeightVector direction;
  for (const auto& [name, tensor] : center) {
    STROP_ASSIGN_OR_RETURN(const Matrix differences, Differences(name, tensor, points));
    const Vector sum = differences * factors;
    const std::vector<double> elements(sum.data(), sum.data() + sum.size());
    STROP_ASSIGN_OR_RETURN(
        direction[name],
        ConvertTensor(Tensor::FromVector(tensor.shape(), elements), tensor.type()));
  }
  return direction;
}

}  // namespace

absl::StatusOr<PathPlane> PlaneOfPath(const WeightVector& center,
                                      const std::vector<WeightVector>& points) {
  const auto count = static_cast<Eigen::Index>(points.size());
  // Products of all pairs of differences: as large as the path is long, not as the model.
  Matrix products = Matrix::Zero(count, count);
  for (const auto& [name, tensor] : center) {
    STROP_ASSIGN_OR_RETURN(const Matrix differences, Differences(name, tensor, points));
    products.noalias() += differences.transpose() * differences;
  }
  const Matrix centering = Matrix::Identity(count, count) -
                           Matrix::Constant(count, count, 1.0 / static_cast<double>(count));
  const Eigen::SelfAdjointEigenSolver<Matrix> solver(centering * products * centering);
  const Vector& variances = solver.eigenvalues();  // ascending
  constexpr double kLeastShare = 1e-12;
  const double total = count > 0 ? variances.sum() : 0;
  if (count < 3 || !(variances(count - 2) > kLeastShare * total)) {
    return absl::InvalidArgumentError(
        absl::StrCat("landscape: the path has ", points.size(),
                     " points that span no plane, expected at least 3 that are not in a line; "
                     "keep more checkpoints of the run"));
  }
  PathPlane path;
  path.plane.center = center;
  path.positions.resize(points.size());
  for (size_t axis = 0; axis < 2; ++axis) {
    const Eigen::Index n = count - 1 - static_cast<Eigen::Index>(axis);
    Vector factors = centering * solver.eigenvectors().col(n) / std::sqrt(variances(n));
    Vector coordinates = products * factors;
    if (coordinates(0) > 0) {  // an eigenvector's sign means nothing: settle it
      factors = -factors;
      coordinates = -coordinates;
    }
    path.explained[axis] = variances(n) / total;
    WeightVector& direction = axis == 0 ? path.plane.x_direction : path.plane.y_direction;
    STROP_ASSIGN_OR_RETURN(direction, CombinationOf(center, points, factors));
    for (size_t i = 0; i < points.size(); ++i) {
      (axis == 0 ? path.positions[i].x : path.positions[i].y) =
          coordinates(static_cast<Eigen::Index>(i));
    }
  }
  return path;
}

}  // namespace strop
