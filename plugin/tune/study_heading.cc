#include "plugin/tune/study_heading.h"

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"

namespace strop {
namespace {

using Json = nlohmann::ordered_json;

SearchDimension DimensionOf(const Json& json) {
  SearchDimension dimension;
  dimension.option = json.at("option");
  json.at("kind").get_to(dimension.kind);
  dimension.is_log = json.at("log");
  dimension.low = json.at("range").at(0);
  dimension.high = json.at("range").at(1);
  dimension.step = json.at("range").at(2);
  dimension.grid_points = json.at("points");
  json.at("choices").get_to(dimension.choices);
  return dimension;
}

}  // namespace

std::string HeadingText(const StudyHeading& heading) {
  Json space = Json::array();
  for (const SearchDimension& dimension : heading.space) {
    space.push_back({{"option", dimension.option},
                     {"kind", dimension.kind},
                     {"log", dimension.is_log},
                     {"range", {dimension.low, dimension.high, dimension.step}},
                     {"points", dimension.grid_points},
                     {"choices", dimension.choices}});
  }
  const Json json = {{"model", heading.model},       {"search", space},
                     {"strategy", heading.strategy}, {"trials", heading.trials},
                     {"seed", heading.seed},         {"objective", heading.objective},
                     {"train", heading.train}};
  return json.dump();
}

absl::StatusOr<StudyHeading> ParseHeading(const std::string& text) {
  try {
    const Json json = Json::parse(text);
    StudyHeading heading;
    heading.model = json.at("model");
    for (const Json& dimension : json.at("search")) {
      heading.space.push_back(DimensionOf(dimension));
    }
    heading.strategy = json.at("strategy");
    heading.trials = json.at("trials");
    heading.seed = json.at("seed");
    heading.objective = json.at("objective");
    json.at("train").get_to(heading.train);
    return heading;
  } catch (const Json::exception& error) {
    return absl::InvalidArgumentError(
        absl::StrCat("found no heading of a study, expected that of strop tune: ", error.what()));
  }
}

}  // namespace strop
