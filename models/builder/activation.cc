#include "models/builder/activation.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace strop {
namespace {

struct Name {
  std::string_view name;
  Activation activation;
};

constexpr Name kNames[] = {
    {"sigmoid", Activation::kSigmoid},
    {"tanh", Activation::kTanh},
    {"relu", Activation::kRelu},
    {"leaky_relu", Activation::kLeakyRelu},
    {"elu", Activation::kElu},
    {"selu", Activation::kSelu},
    {"gelu", Activation::kGelu},
    {"gelu_tanh", Activation::kGeluTanh},
    {"silu", Activation::kSilu},
    {"mish", Activation::kMish},
    {"hard_swish", Activation::kHardSwish},
    {"hard_sigmoid", Activation::kHardSigmoid},
    {"relu6", Activation::kRelu6},
    {"softplus", Activation::kSoftplus},
    {"identity", Activation::kIdentity},
};

}  // namespace

absl::StatusOr<Activation> ActivationOf(std::string_view name) {
  for (const Name& known : kNames) {
    if (known.name == name) return known.activation;
  }
  return absl::InvalidArgumentError(absl::StrCat("build: found activation \"", std::string(name),
                                                 "\", expected one of ",
                                                 absl::StrJoin(ActivationNames(), ", ")));
}

std::vector<std::string> ActivationNames() {
  std::vector<std::string> names;
  for (const Name& known : kNames) names.emplace_back(known.name);
  return names;
}

double GainOf(Activation activation) {
  constexpr double kLeakySlope = 0.01;
  switch (activation) {
    case Activation::kIdentity:
    case Activation::kSigmoid:
    case Activation::kHardSigmoid:
      return 1;
    case Activation::kTanh:
      return 5.0 / 3;
    case Activation::kSelu:
      return 3.0 / 4;
    case Activation::kLeakyRelu:
      return std::sqrt(2 / (1 + kLeakySlope * kLeakySlope));
    default:
      return std::sqrt(2.0);
  }
}

}  // namespace strop
