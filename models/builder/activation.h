#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace strop {

// Names, meanings and parameters are torch.nn's.
enum class Activation {
  kIdentity,
  kSigmoid,
  kTanh,
  kRelu,
  kLeakyRelu,  // slope 0.01
  kElu,
  kSelu,
  kGelu,  // x·Φ(x)
  kGeluTanh,
  kSilu,  // x·sigmoid(x), also swish
  kMish,
  kHardSwish,
  kHardSigmoid,
  kRelu6,
  kSoftplus,
};

// InvalidArgument listing the names for another one.
absl::StatusOr<Activation> ActivationOf(std::string_view name);
std::vector<std::string> ActivationNames();

// torch.nn.init.calculate_gain: sigmoid and identity 1, tanh 5/3, selu 3/4, leaky_relu
// √(2/(1 + slope²)), relu √2. The bent lines that PyTorch gives no gain take relu's.
double GainOf(Activation activation);

}  // namespace strop
