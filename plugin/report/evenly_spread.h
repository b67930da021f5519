#pragma once

#include <cstddef>
#include <vector>

namespace strop {

// At most `count` ≥ 2 elements, from the first to the last.
template <typename T>
std::vector<T> EvenlySpread(const std::vector<T>& all, size_t count) {
  if (all.size() <= count) return all;
  std::vector<T> chosen;
  chosen.reserve(count);
  for (size_t i = 0; i < count; ++i) chosen.push_back(all[i * (all.size() - 1) / (count - 1)]);
  return chosen;
}

}  // namespace strop
