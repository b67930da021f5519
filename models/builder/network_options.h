#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "models/builder/activation.h"
#include "models/builder/initialization.h"

namespace strop {

// What a network is to look like. What is absent or empty takes the architecture's own value.
struct NetworkOptions {
  int opset = 17;
  uint64_t seed = 0;
  std::optional<InitializationOptions> initialization;

  std::vector<int64_t> input;  // of one sample: channels, height, width; or features
  std::optional<int64_t> classes;
  std::optional<Activation> activation;
  std::optional<int64_t> depth;  // layers, in the architecture's own counting
  std::vector<int64_t> width;    // units or channels; several where layers differ
  double width_multiplier = 1;
  std::optional<int64_t> growth_rate;
  bool batch_norm = false;
  bool residual = false;
  std::optional<double> dropout;
  std::optional<bool> has_small_stem;  // one 3×3 convolution, for small images
  std::optional<int64_t> vocabulary;
  std::optional<int64_t> positions;  // longest sequence
  std::optional<int64_t> heads;
  std::optional<int64_t> hidden;  // width of a transformer's perceptrons
  std::optional<int64_t> patch;
  bool bidirectional = false;
};

}  // namespace strop
