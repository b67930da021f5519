#include "plugin/tune/search_space.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "graph/status_macros.h"
#include "plugin/data/random_draws.h"
#include "plugin/tune/sobol.h"

namespace strop {
namespace {

constexpr uint64_t kStream = 0x7E570000;  // away from other streams of the same seed
constexpr int64_t kMaximumGrid = 1 << 20;

absl::Status Invalid(const std::string& text, const std::string& problem) {
  return absl::InvalidArgumentError(absl::StrCat("tune: --search ", text, ": ", problem));
}

// The shortest text that reads back as the number, to six digits for what is drawn.
std::string NumberText(double number) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof(text), number, std::chars_format::general, 6);
  return {text, end.ptr};
}

double ValueAt(const SearchDimension& dimension, double position) {
  if (dimension.kind == SearchDimension::Kind::kLog) {
    const double low = std::log(dimension.low);
    return std::exp(low + (std::log(dimension.high) - low) * position);
  }
  return dimension.low + (dimension.high - dimension.low) * position;
}

absl::StatusOr<SearchDimension> ParseRange(const std::string& text, SearchDimension dimension,
                                           const std::vector<std::string>& parts) {
  const bool has_ends = (parts.size() == 3 || parts.size() == 4) &&
                        absl::SimpleAtod(parts[1], &dimension.low) &&
                        absl::SimpleAtod(parts[2], &dimension.high);
  if (!has_ends || !std::isfinite(dimension.low) || !std::isfinite(dimension.high)) {
    return Invalid(text, absl::StrCat("expected ", parts[0], ":LOW:HIGH with two numbers"));
  }
  if (dimension.low >= dimension.high) {
    return Invalid(text, "expected a lower number before a higher one");
  }
  if (dimension.kind == SearchDimension::Kind::kLog && dimension.low <= 0) {
    return Invalid(text, "a logarithmic scale takes numbers above 0");
  }
  const bool is_whole =
      dimension.low == std::floor(dimension.low) && dimension.high == std::floor(dimension.high);
  if (dimension.kind == SearchDimension::Kind::kInteger && !is_whole) {
    return Invalid(text, "expected whole numbers");
  }
  if (parts.size() == 4 && (dimension.kind == SearchDimension::Kind::kInteger ||
                            !absl::SimpleAtoi(parts[3], &dimension.grid_points) ||
                            dimension.grid_points < 2 || dimension.grid_points > kMaximumGrid)) {
    return Invalid(text, "expected a number of points from 2 on behind log or uniform");
  }
  return dimension;
}

absl::StatusOr<std::vector<std::vector<std::string>>> Grid(
    const std::vector<SearchDimension>& space, int64_t most) {
  std::vector<std::vector<std::string>> trials(1);
  for (const SearchDimension& dimension : space) {
    STROP_ASSIGN_OR_RETURN(const std::vector<std::string> values, dimension.GridValues());
    std::vector<std::vector<std::string>> longer;
    if (static_cast<int64_t>(trials.size() * values.size()) > most) {
      return absl::InvalidArgumentError(
          absl::StrCat("tune: the grid has more than the ", most,
                       " trials of --trials; raise it, or search fewer values"));
    }
    for (const std::vector<std::string>& trial : trials) {
      for (const std::string& value : values) {
        longer.push_back(trial);
        longer.back().push_back(value);
      }
    }
    trials = std::move(longer);
  }
  return trials;
}

}  // namespace

std::string SearchDimension::At(double position) const {
  switch (kind) {
    case Kind::kChoice: {
      const auto count = static_cast<double>(choices.size());
      return choices[static_cast<size_t>(position * count)];
    }
    case Kind::kInteger:
      return absl::StrCat(static_cast<int64_t>(low + std::floor(position * (high - low + 1))));
    default:
      return NumberText(ValueAt(*this, position));
  }
}

absl::StatusOr<std::vector<std::string>> SearchDimension::GridValues() const {
  if (kind == Kind::kChoice) return choices;
  std::vector<std::string> values;
  if (kind == Kind::kInteger) {
    if (high - low >= static_cast<double>(kMaximumGrid)) {
      return Invalid(option, "too many numbers for a grid; name some as VALUE,VALUE");
    }
    for (double value = low; value <= high; ++value) {
      values.push_back(absl::StrCat(static_cast<int64_t>(value)));
    }
    return values;
  }
  if (grid_points == 0) {
    return Invalid(option, "a grid takes a number of points, as in log:1e-4:1e-1:4");
  }
  for (int64_t i = 0; i < grid_points; ++i) {
    const double position = static_cast<double>(i) / static_cast<double>(grid_points - 1);
    values.push_back(NumberText(ValueAt(*this, position)));
  }
  return values;
}

absl::StatusOr<SearchDimension> ParseSearch(const std::string& text) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == text.size()) {
    return Invalid(text, "expected OPTION=VALUES, as in learning-rate=log:1e-5:1e-1");
  }
  SearchDimension dimension;
  dimension.option = text.substr(0, equals);
  std::replace(dimension.option.begin(), dimension.option.end(), '_', '-');
  dimension.option.erase(0, dimension.option.find_first_not_of('-'));
  const std::string values = text.substr(equals + 1);
  const std::vector<std::string> parts = absl::StrSplit(values, ':');
  constexpr std::pair<std::string_view, SearchDimension::Kind> kRanges[] = {
      {"uniform", SearchDimension::Kind::kUniform},
      {"log", SearchDimension::Kind::kLog},
      {"int", SearchDimension::Kind::kInteger}};
  for (const auto& [name, kind] : kRanges) {
    if (parts[0] != name || parts.size() == 1) continue;
    dimension.kind = kind;
    return ParseRange(text, std::move(dimension), parts);
  }
  dimension.choices = absl::StrSplit(values, ',');
  return dimension;
}

absl::StatusOr<std::vector<std::vector<std::string>>> SampleTrials(
    const std::vector<SearchDimension>& space, SearchStrategy strategy, int64_t trials,
    uint64_t seed) {
  if (strategy == SearchStrategy::kGrid) return Grid(space, trials);
  const auto dimensions = static_cast<int64_t>(space.size());
  const bool is_sobol = strategy == SearchStrategy::kSobol;
  if (is_sobol && dimensions > SobolSequence::kMaximumDimensions) {
    return absl::InvalidArgumentError(
        absl::StrCat("tune: --strategy sobol: found ", dimensions, " options to search, expected ",
                     "at most ", SobolSequence::kMaximumDimensions, "; use random"));
  }
  const SobolSequence sobol(is_sobol ? dimensions : 1);
  std::vector<std::vector<std::string>> sampled;
  for (int64_t trial = 0; trial < trials; ++trial) {
    std::vector<double> point;
    if (is_sobol) {
      point = sobol.Point(trial + 1);
    } else {
      RandomDraws draws(seed, kStream, static_cast<uint64_t>(trial));
      for (int64_t i = 0; i < dimensions; ++i) point.push_back(draws.Uniform());
    }
    std::vector<std::string>& values = sampled.emplace_back();
    for (size_t i = 0; i < space.size(); ++i) values.push_back(space[i].At(point[i]));
  }
  return sampled;
}

}  // namespace strop
