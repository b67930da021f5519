#pragma once

#include <cmath>
#include <vector>

#include "plugin/data/given_data.h"

namespace strop {

// 40 samples of x [n, 4] and target [n, 3], for LinearModel.
inline GivenData LinearSamples() {
  std::vector<float> x, target;
  for (int i = 0; i < 40 * 4; ++i) x.push_back(std::sin(static_cast<float>(i)));
  for (int i = 0; i < 40 * 3; ++i) target.push_back(std::cos(static_cast<float>(i)));
  GivenData data;
  data.arrays = {{"x", Tensor::FromVector<float>({40, 4}, x)},
                 {"target", Tensor::FromVector<float>({40, 3}, target)}};
  return data;
}

}  // namespace strop
