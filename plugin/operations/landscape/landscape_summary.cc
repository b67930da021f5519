#include "plugin/cli/landscape/landscape_summary.h"

#include <cmath>
#include <cstdio>
#include <limits>
#include <nlohmann/json.hpp>

namespace strop {

void PrintSummary(const LandscapeArguments& arguments, const std::string& grid,
                  const Landscape& landscape) {
  double least = std::numeric_limits<double>::quiet_NaN();
  double greatest = least;
  for (const double loss : landscape.grid.loss) {  // those that are numbers
    least = std::fmin(least, loss);
    greatest = std::fmax(greatest, loss);
  }
  if (!arguments.as_json) {
    std::printf("loss %.9g at the trained weights; %.9g to %.9g on the grid\n",
                landscape.center_loss, least, greatest);
    std::printf("wrote %s\n", arguments.output.c_str());
    return;
  }
  nlohmann::ordered_json line = {{"center_loss", landscape.center_loss},
                                 {"least_loss", least},
                                 {"greatest_loss", greatest},
                                 {"samples", landscape.sample_count},
                                 {"points", landscape.grid.point_count()},
                                 {"page", arguments.output},
                                 {"grid", grid}};
  if (!landscape.paths.empty()) line["explained"] = landscape.explained;
  for (const LandscapePath& path : landscape.paths) {
    nlohmann::ordered_json points = nlohmann::ordered_json::array();
    for (const LandscapePath::Point& point : path.points) {
      points.push_back({{"label", point.label},
                        {"x", point.position.x},
                        {"y", point.position.y},
                        {"loss", point.loss}});
    }
    line["paths"].push_back({{"name", path.name}, {"points", points}});
  }
  std::printf("%s\n", line.dump().c_str());
}

}  // namespace strop
