#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace strop {

// One option of `strop train` and the values that are tried for it.
struct SearchDimension {
  enum class Kind {
    kNumber,   // from low to high
    kInteger,  // whole numbers from low to high, both included
    kChoice,   // words
  };

  std::string option;  // without dashes in front: "learning-rate"
  Kind kind = Kind::kChoice;
  bool is_log = false;  // even on a logarithmic scale
  double low = 0;
  double high = 0;
  double step = 0;          // 0: every number; else low, low + step, … up to high
  int64_t grid_points = 0;  // of a range without steps in a grid; 0: not said
  std::vector<std::string> choices;

  // The value at `position` in [0, 1).
  std::string At(double position) const;
  // All values of a grid, in order. InvalidArgument for numbers without a count of points.
  absl::StatusOr<std::vector<std::string>> GridValues() const;
};

// InvalidArgument for a range that holds no values: ends that are not finite or in order, a
// logarithmic scale that reaches 0 or has steps, broken whole numbers, points beside steps.
absl::Status CheckSearch(const SearchDimension& dimension);

// "NAME=log:LOW:HIGH[:POINTS]", "NAME=uniform:LOW:HIGH[:POINTS]", "NAME=int:LOW:HIGH[:STEP]" or
// "NAME=VALUE,VALUE,…"; underscores in the name are dashes. InvalidArgument for another form.
absl::StatusOr<SearchDimension> ParseSearch(const std::string& text);

// The name of a searched option as it is typed: underscores are dashes, none in front.
std::string SearchedName(std::string name);

enum class SearchStrategy { kGrid, kRandom, kSobol, kAsha };

// "grid", "random", "sobol", "asha".
SearchStrategy SearchStrategyOf(std::string_view name);

// The values of every trial, one per dimension, known before the first runs: the whole grid, where
// `trials` is only the most that there may be; `trials` points drawn by the seed (random, asha);
// the first points of the Sobol' sequence behind the origin. InvalidArgument for a grid that is
// larger than `trials`, or more dimensions than the sequence has.
absl::StatusOr<std::vector<std::vector<std::string>>> SampleTrials(
    const std::vector<SearchDimension>& space, SearchStrategy strategy, int64_t trials,
    uint64_t seed);

}  // namespace strop
