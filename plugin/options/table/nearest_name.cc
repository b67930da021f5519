#include "plugin/options/table/nearest_name.h"

#include <algorithm>

#include "plugin/options/table/other_names.h"

namespace strop {
namespace {

// Optimal string alignment distance.
size_t EditDistance(const std::string& a, const std::string& b) {
  std::vector<std::vector<size_t>> distance(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) distance[i][0] = i;
  for (size_t j = 0; j <= b.size(); ++j) distance[0][j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = distance[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      distance[i][j] = std::min({distance[i - 1][j] + 1, distance[i][j - 1] + 1, replaced});
      const bool is_swap = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (is_swap) distance[i][j] = std::min(distance[i][j], distance[i - 2][j - 2] + 1);
    }
  }
  return distance[a.size()][b.size()];
}

}  // namespace

std::string NearestName(const std::string& typed, const std::vector<std::string>& candidates) {
  const std::string same = NameOfTheSame(typed, candidates);
  if (!same.empty()) return same;
  std::string nearest;
  size_t smallest = typed.size() / 2 + 1;  // a name that shares less is none that was meant
  for (const std::string& candidate : candidates) {
    // A shortened name is near whatever its distance: --lr-… is not, --epoch is.
    const bool is_prefix = typed.size() > 3 && candidate.starts_with(typed);
    const size_t distance = is_prefix ? 0 : EditDistance(typed, candidate);
    if (distance < smallest) {
      smallest = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

std::string DidYouMean(const std::string& typed, const std::vector<std::string>& candidates) {
  const std::string nearest = NearestName(typed, candidates);
  return nearest.empty() ? "" : ", did you mean " + nearest;
}

}  // namespace strop
