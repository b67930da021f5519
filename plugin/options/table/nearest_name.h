#pragma once

#include <string>
#include <vector>

namespace strop {

// The candidate that others call so (see NameOfTheSame), else the one with the smallest edit
// distance to `typed` (insertions, deletions, replacements and swaps of neighbours count one each;
// ties go to the first); empty when none is close enough to be what was meant.
std::string NearestName(const std::string& typed, const std::vector<std::string>& candidates);

// ", did you mean NAME" or nothing.
std::string DidYouMean(const std::string& typed, const std::vector<std::string>& candidates);

}  // namespace strop
