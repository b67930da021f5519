#pragma once

#include <string>
#include <vector>

namespace strop {

// The candidate that PyTorch, scikit-learn or others call `typed`: --lr is --learning-rate, bce is
// binary_cross_entropy. Empty when no candidate is.
std::string NameOfTheSame(const std::string& typed, const std::vector<std::string>& candidates);

}  // namespace strop
