#include "plugin/report/landscape_page.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "plugin/report/contour_picture.h"
#include "plugin/report/extent.h"

namespace strop {
namespace {

// The surface at a point, lifted a little so that a path does not sink into it.
double HeightOfPath(const Field& field, const Extent& extent, double x, double y) {
  constexpr double kLift = 0.015;
  const double height = ValueAt(field, x, y);
  if (field.is_log) return height * std::pow(extent.high / extent.low, kLift);
  return height + (extent.high - extent.low) * kLift;
}

std::string Percent(double share) { return absl::StrFormat("%.1f %%", share * 100); }

// Losses along each direction, straight through the trained weights.
LineChart Slices(const Landscape& landscape) {
  const LossGrid& grid = landscape.grid;
  LineChart chart;
  chart.title = "Straight through the trained weights";
  chart.caption =
      "The loss along each direction alone. A wide valley is forgiving, a narrow one is not.";
  chart.x.title = "distance";
  chart.y.title = landscape.loss_name;
  const auto zero_x = std::find(grid.x.begin(), grid.x.end(), 0.0);
  const auto zero_y = std::find(grid.y.begin(), grid.y.end(), 0.0);
  if (zero_x == grid.x.end() || zero_y == grid.y.end()) return chart;
  const auto column = static_cast<size_t>(zero_x - grid.x.begin());
  const auto row = static_cast<size_t>(zero_y - grid.y.begin());
  LineChart::Series along_x = {"direction 1", grid.x, {}};
  LineChart::Series along_y = {"direction 2", grid.y, {}};
  for (size_t i = 0; i < grid.x.size(); ++i) {
    along_x.y.push_back(grid.loss[row * grid.x.size() + i]);
  }
  for (size_t j = 0; j < grid.y.size(); ++j) {
    along_y.y.push_back(grid.loss[j * grid.x.size() + column]);
  }
  chart.series = {std::move(along_x), std::move(along_y)};
  return chart;
}

LineChart LossesOfCheckpoints(const Landscape& landscape) {
  LineChart chart;
  chart.title = "Loss of the checkpoints";
  chart.caption =
      "Measured on the checkpoints themselves. Where they differ from the surface, the training "
      "left the plane.";
  chart.x.title = "checkpoint";
  chart.y.title = landscape.loss_name;
  for (const LandscapePath& path : landscape.paths) {
    LineChart::Series series;
    series.name = path.name;
    series.style = LineChart::Style::kLineAndPoints;
    for (size_t i = 0; i < path.points.size(); ++i) {
      series.x.push_back(static_cast<double>(i + 1));
      series.y.push_back(path.points[i].loss);
      series.labels.push_back(
          absl::StrCat(path.points[i].label, ": ", absl::StrFormat("%.5g", path.points[i].loss)));
    }
    chart.series.push_back(std::move(series));
  }
  return chart;
}

std::string Explanation(const Landscape& landscape) {
  if (landscape.paths.empty()) {
    return "Every point is the model with its trained weights moved along two random directions. "
           "Each filter of a direction is as long as the filter of the weights, so that flat and "
           "sharp mean the same in every layer (Li et al. 2018); biases and normalizations stay "
           "as they are. 0, 0 are the trained weights.";
  }
  return absl::StrCat(
      "The plane goes through the trained weights, at 0, 0, along the two directions in which the "
      "checkpoints differ most (their principal components): ",
      Percent(landscape.explained[0]), " and ", Percent(landscape.explained[1]),
      " of their variance. Distances are Euclidean, over all trained weights.");
}

void AddSettings(const Landscape& landscape, Page& page) {
  page.AddSection("How it was made");
  PageTable table;
  table.header = {"setting", "value"};
  for (const auto& [name, value] : landscape.settings) table.rows.push_back({name, value});
  page.AddTable(table);
}

}  // namespace

Field FieldOf(const Landscape& landscape) {
  constexpr double kLogFrom = 50;
  const bool is_path = !landscape.paths.empty();
  Field field;
  field.x_title = is_path ? "first component" : "direction 1";
  field.y_title = is_path ? "second component" : "direction 2";
  field.z_title = landscape.loss_name;
  field.x = landscape.grid.x;
  field.y = landscape.grid.y;
  field.values = landscape.grid.loss;
  Extent extent;
  extent.Add(field.values);
  field.is_log = extent.Spans(kLogFrom);
  for (const LandscapePath& path : landscape.paths) {
    Field::Path drawn;
    drawn.name = path.name;
    for (const LandscapePath::Point& point : path.points) {
      const auto [x, y] = point.position;
      drawn.x.push_back(x);
      drawn.y.push_back(y);
      drawn.z.push_back(HeightOfPath(field, extent, x, y));
      drawn.labels.push_back(absl::StrCat(point.label, ": ", absl::StrFormat("%.5g", point.loss)));
    }
    field.paths.push_back(std::move(drawn));
  }
  field.paths.push_back({"trained weights",
                         {0},
                         {0},
                         {HeightOfPath(field, extent, 0, 0)},
                         {absl::StrFormat("trained weights: %.5g", landscape.center_loss)}});
  return field;
}

Page LandscapePage(const Landscape& landscape) {
  Page page(absl::StrCat("Loss landscape of ", landscape.model),
            absl::StrCat(landscape.loss_name, " over ", landscape.sample_count, " samples"));
  Extent extent;
  extent.Add(landscape.grid.loss);
  page.AddHighlights(
      {{"Loss of the trained weights", absl::StrFormat("%.4g", landscape.center_loss)},
       {"Least on the grid", absl::StrFormat("%.4g", extent.low)},
       {"Greatest", absl::StrFormat("%.4g", extent.high)},
       {"Points", absl::StrCat(landscape.grid.point_count())}});
  page.AddText(Explanation(landscape));
  const auto not_finite = std::count_if(landscape.grid.loss.begin(), landscape.grid.loss.end(),
                                        [](double loss) { return !std::isfinite(loss); });
  if (not_finite > 0) {
    page.AddNotice(Page::Tone::kNeutral,
                   absl::StrCat(not_finite, " points have no finite loss; they are left blank."));
  }
  Field field = FieldOf(landscape);
  const std::string scale = field.is_log ? " Colors and heights are logarithmic." : "";
  page.AddSection("Surface");
  field.title = "";
  field.caption = absl::StrCat("Drag to turn, pinch or scroll to come closer.", scale);
  page.AddChart(DrawSurface(field));
  page.AddSection("From above");
  field.caption = absl::StrCat("Lines join points of equal loss.", scale);
  page.AddChart(DrawContour(field));
  LineChart slices = Slices(landscape);
  slices.y.is_log = field.is_log;
  LineChart checkpoints = LossesOfCheckpoints(landscape);
  checkpoints.y.is_log = field.is_log;
  if (!slices.series.empty() && landscape.paths.empty()) page.AddChart(Draw(slices));
  if (!checkpoints.series.empty()) page.AddChart(Draw(checkpoints));
  AddSettings(landscape, page);
  return page;
}

}  // namespace strop
