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
  return absl::InvalidArgumentError(absl::StrCat("search ", text, ": ", problem));
}

// The shortest text that reads back as the number, to six digits for what is drawn.
std::string NumberText(double number) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof(text), number, std::chars_format::general, 6);
  return {text, end.ptr};
}

double ValueAt(const SearchDimension& dimension, double position) {
  if (!dimension.is_log) return dimension.low + (dimension.high - dimension.low) * position;
  const double low = std::log(dimension.low);
  return std::exp(low + (std::log(dimension.high) - low) * position);
}

int64_t StepCount(const SearchDimension& dimension) {
  const double count = (dimension.high - dimension.low) / dimension.step;
  return static_cast<int64_t>(std::floor(count * (1 + 1e-12))) + 1;
}

// A number of the range as an option takes it.
std::string TextOf(const SearchDimension& dimension, double value) {
  if (dimension.kind != SearchDimension::Kind::kInteger) return NumberText(value);
  return absl::StrCat(static_cast<int64_t>(std::clamp(value, dimension.low, dimension.high)));
}

bool IsWhole(double number) { return number == std::floor(number); }

absl::StatusOr<SearchDimension> ParseRange(const std::string& text, SearchDimension dimension,
                                           const std::vector<std::string>& parts) {
  const bool has_ends = (parts.size() == 3 || parts.size() == 4) &&
                        absl::SimpleAtod(parts[1], &dimension.low) &&
                        absl::SimpleAtod(parts[2], &dimension.high);
  if (!has_ends) {
    return Invalid(text, absl::StrCat("expected ", parts[0], ":LOW:HIGH with two numbers"));
  }
  if (parts.size() == 4 && dimension.kind == SearchDimension::Kind::kInteger) {
    if (!absl::SimpleAtod(parts[3], &dimension.step) || dimension.step <= 0) {
      return Invalid(text, "expected a step from 1 on behind int:LOW:HIGH");
    }
  } else if (parts.size() == 4 &&
             (!absl::SimpleAtoi(parts[3], &dimension.grid_points) || dimension.grid_points < 2)) {
    return Invalid(text, "expected a number of points from 2 on behind log or uniform");
  }
  STROP_RETURN_IF_ERROR(CheckSearch(dimension));
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
  if (kind == Kind::kChoice) {
    return choices[static_cast<size_t>(position * static_cast<double>(choices.size()))];
  }
  if (step > 0) {
    const double index = std::floor(position * static_cast<double>(StepCount(*this)));
    return TextOf(*this, low + step * index);
  }
  if (kind == Kind::kNumber) return NumberText(ValueAt(*this, position));
  SearchDimension wider = *this;  // so that the last whole number has its share too
  wider.high = high + 1;
  return TextOf(*this, std::floor(ValueAt(wider, position)));
}

absl::StatusOr<std::vector<std::string>> SearchDimension::GridValues() const {
  if (kind == Kind::kChoice) return choices;
  std::vector<std::string> values;
  if (grid_points > 0) {
    for (int64_t i = 0; i < grid_points; ++i) {
      const double position = static_cast<double>(i) / static_cast<double>(grid_points - 1);
      const double value = ValueAt(*this, position);
      const std::string text = TextOf(*this, kind == Kind::kInteger ? std::round(value) : value);
      if (values.empty() || values.back() != text) values.push_back(text);
    }
    return values;
  }
  SearchDimension stepped = *this;
  if (kind == Kind::kInteger) stepped.step = std::max(step, 1.0);
  if (stepped.step == 0) {
    return Invalid(option, "a grid takes a number of points, as in log:1e-4:1e-1:4");
  }
  if ((high - low) / stepped.step >= static_cast<double>(kMaximumGrid)) {
    return Invalid(option, "too many numbers for a grid; name some as VALUE,VALUE");
  }
  for (int64_t i = 0; i < StepCount(stepped); ++i) {
    values.push_back(TextOf(stepped, low + stepped.step * static_cast<double>(i)));
  }
  return values;
}

absl::Status CheckSearch(const SearchDimension& dimension) {
  const std::string& name = dimension.option;
  if (dimension.kind == SearchDimension::Kind::kChoice) {
    return dimension.choices.empty() ? Invalid(name, "expected at least one value")
                                     : absl::OkStatus();
  }
  if (!std::isfinite(dimension.low) || !std::isfinite(dimension.high) ||
      dimension.low >= dimension.high) {
    return Invalid(name, "expected a lower number before a higher one");
  }
  if (dimension.is_log && dimension.low <= 0) {
    return Invalid(name, "a logarithmic scale takes numbers above 0");
  }
  if (dimension.is_log && dimension.step > 0) {
    return Invalid(name, "a logarithmic scale has no even steps; leave the step or the scale out");
  }
  if (dimension.step < 0 || dimension.step > dimension.high - dimension.low) {
    return Invalid(name, "expected a step above 0 and within the range");
  }
  const bool is_whole =
      IsWhole(dimension.low) && IsWhole(dimension.high) && IsWhole(dimension.step);
  if (dimension.kind == SearchDimension::Kind::kInteger && !is_whole) {
    return Invalid(name, "expected whole numbers");
  }
  if (dimension.grid_points == 0) return absl::OkStatus();
  if (dimension.step > 0) return Invalid(name, "has steps and points; leave one of them out");
  if (dimension.grid_points < 2 || dimension.grid_points > kMaximumGrid) {
    return Invalid(name, absl::StrCat("expected from 2 to ", kMaximumGrid, " points"));
  }
  return absl::OkStatus();
}

std::string SearchedName(std::string name) {
  std::replace(name.begin(), name.end(), '_', '-');
  name.erase(0, name.find_first_not_of('-'));
  return name;
}

absl::StatusOr<SearchDimension> ParseSearch(const std::string& text) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == text.size()) {
    return Invalid(text, "expected OPTION=VALUES, as in learning-rate=log:1e-5:1e-1");
  }
  SearchDimension dimension;
  dimension.option = SearchedName(text.substr(0, equals));
  const std::string values = text.substr(equals + 1);
  const std::vector<std::string> parts = absl::StrSplit(values, ':');
  constexpr std::string_view kRanges[] = {"uniform", "log", "int"};
  const bool is_range =
      parts.size() > 1 && std::count(std::begin(kRanges), std::end(kRanges), parts[0]) > 0;
  if (!is_range) {
    dimension.choices = absl::StrSplit(values, ',');
    return dimension;
  }
  dimension.kind =
      parts[0] == "int" ? SearchDimension::Kind::kInteger : SearchDimension::Kind::kNumber;
  dimension.is_log = parts[0] == "log";
  return ParseRange(text, std::move(dimension), parts);
}

SearchStrategy SearchStrategyOf(std::string_view name) {
  if (name == "grid") return SearchStrategy::kGrid;
  if (name == "sobol") return SearchStrategy::kSobol;
  return name == "asha" ? SearchStrategy::kAsha : SearchStrategy::kRandom;
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
