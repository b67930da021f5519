#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace strop {

// How the first value of a weight is drawn. The scaled ones are torch.nn.init's:
//   he_normal       N(0, s²), s = gain/√fan          he_uniform      U(-b, b), b = gain·√(3/fan)
//   xavier_normal   N(0, s²), s = gain·√(2/(in+out)) xavier_uniform  U(-b, b), b =
//   gain·√(6/(in+out)) orthogonal      gain·Q, rows or columns orthonormal
enum class Distribution {
  kConstant,  // `parameter` everywhere
  kNormal,    // N(0, parameter²)
  kUniform,   // U(-parameter, parameter)
  kOrthogonal,
};

// A weighted layer's rule: the fans of a weight make a Distribution of it.
enum class Initialization {
  kHeNormal,  // He et al. 2015
  kHeUniform,
  kXavierNormal,  // Glorot and Bengio 2010
  kXavierUniform,
  kOrthogonal,  // Saxe et al. 2013
  kNormal,      // N(0, 0.02²), as BERT and GPT have it
};

struct InitializationOptions {
  Initialization kind = Initialization::kHeNormal;
  // Absent: he and orthogonal take the gain of the activation that follows, xavier takes 1.
  std::optional<double> gain;
  // he, of convolutions: divide by the outgoing fan, which keeps the backward variance.
  bool uses_fan_out = false;
};

// he (he_normal), xavier (xavier_uniform), orthogonal, normal, and the variants by their full
// names. InvalidArgument listing them for another name.
absl::StatusOr<Initialization> InitializationOf(std::string_view name);
std::vector<std::string> InitializationNames();

// What a tensor starts as.
struct FirstValue {
  Distribution distribution = Distribution::kConstant;
  double parameter = 0;  // the constant, the deviation, the bound or the gain
  int64_t rows = 1;      // kOrthogonal: the tensor seen as a matrix [rows, elements/rows]
};

// The first value of a weight whose layer has `fan_in` inputs and `fan_out` outputs an element;
// `gain` is the following activation's. `rows`: see FirstValue.
FirstValue FirstWeight(const InitializationOptions& options, double gain, int64_t fan_in,
                       int64_t fan_out, int64_t rows, bool is_convolution);

// Fills `elements`. Every element is a function of (seed, stream, index), so the same seed gives
// the same bits whatever the number of threads.
void Draw(const FirstValue& value, uint64_t seed, uint64_t stream, absl::Span<float> elements);

}  // namespace strop
