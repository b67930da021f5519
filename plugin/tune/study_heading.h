#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "plugin/tune/search_space.h"

namespace strop {

// What a journal is about: the same text for the same trials, and all that their values follow
// from.
struct StudyHeading {
  std::string model;
  std::vector<SearchDimension> space;
  std::string strategy;
  int64_t trials = 0;
  uint64_t seed = 0;
  std::string objective;
  std::vector<std::string> train;  // the words of the options that all trials share
};

std::string HeadingText(const StudyHeading& heading);
// InvalidArgument for a text that is none.
absl::StatusOr<StudyHeading> ParseHeading(const std::string& text);

}  // namespace strop
