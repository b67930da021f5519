#include "plugin/training/graph/watched_operator.h"

#include <algorithm>
#include <array>

namespace strop {
namespace {

// Where y(1 - y) < 0.25 / 10.
constexpr double kSigmoidLow = 0.02566;
constexpr double kSigmoidHigh = 1 - kSigmoidLow;
// Where 1 - y² < 1 / 10.
constexpr double kTanh = 0.94868;
// Where (1 - |y|)² < 1 / 10.
constexpr double kSoftsign = 0.68377;

constexpr WatchedOperator kWatched[] = {
    // Activation functions.
    {"Relu", true},
    {"Clip", true},  // ReLU6
    {"ThresholdedRelu", true},
    {"HardSwish", true},
    {"LeakyRelu"},
    {"PRelu"},
    {"Elu"},
    {"Selu"},
    {"Celu"},
    {"Gelu"},
    {"Mish"},
    {"Swish"},
    {"Softplus"},
    {"Sigmoid", false, kSigmoidLow, kSigmoidHigh},
    {"HardSigmoid", false, kSigmoidLow, kSigmoidHigh},
    {"Tanh", false, -kTanh, kTanh},
    {"Softsign", false, -kSoftsign, kSoftsign},
    // Normalizations.
    {"BatchNormalization"},
    {"InstanceNormalization"},
    {"GroupNormalization"},
    {"LayerNormalization"},
    {"RMSNormalization"},
    {"SimplifiedLayerNormalization"},
    {"LRN"},
    // Layers.
    {"Conv"},
    {"ConvTranspose"},
    {"Gemm"},
    {"MatMul"},
    {"MatMulTransposed"},
    {"Einsum"},
    {"LSTM"},
    {"GRU"},
    {"RNN"},
};

template <size_t kCount>
bool IsOneOf(const Node& node, const std::array<std::string_view, kCount>& names) {
  return std::find(names.begin(), names.end(), node.op_type) != names.end();
}

}  // namespace

const WatchedOperator* FindWatchedOperator(const Node& node) {
  const auto* found =
      std::find_if(std::begin(kWatched), std::end(kWatched),
                   [&node](const WatchedOperator& row) { return row.name == node.op_type; });
  return found == std::end(kWatched) ? nullptr : found;
}

bool HasUnitsAtAxisOne(const Node& node) {
  constexpr std::array<std::string_view, 5> kNames = {"Conv", "ConvTranspose", "BatchNormalization",
                                                      "InstanceNormalization", "LRN"};
  return IsOneOf(node, kNames);
}

bool HasUnitsAtLastAxis(const Node& node) {
  constexpr std::array<std::string_view, 4> kNames = {"Gemm", "MatMul", "MatMulTransposed",
                                                      "LayerNormalization"};
  return IsOneOf(node, kNames);
}

}  // namespace strop
