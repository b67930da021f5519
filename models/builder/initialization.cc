#include "models/builder/initialization.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "ops/kernels/parallel_for.h"
#include "ops/kernels/philox.h"

namespace strop {
namespace {

constexpr double kTransformerDeviation = 0.02;
constexpr int64_t kBlocksPerRange = 4096;
constexpr int64_t kSmallestRange = 1 << 16;  // products for which a thread is worth waking

struct Name {
  std::string_view name;
  Initialization kind;
};

// The two short names are what the papers propose and what people mean by them.
constexpr Name kNames[] = {
    {"he", Initialization::kHeNormal},
    {"he_normal", Initialization::kHeNormal},
    {"he_uniform", Initialization::kHeUniform},
    {"xavier", Initialization::kXavierUniform},
    {"xavier_normal", Initialization::kXavierNormal},
    {"xavier_uniform", Initialization::kXavierUniform},
    {"orthogonal", Initialization::kOrthogonal},
    {"normal", Initialization::kNormal},
};

// Two independent standard normal numbers out of two words (Box and Muller 1958).
void NormalPair(uint32_t word0, uint32_t word1, float* pair) {
  const double uniform = (static_cast<double>(word0) + 1) * 0x1p-32;  // (0, 1]
  const double radius = std::sqrt(-2 * std::log(uniform));
  const double angle = 2 * std::numbers::pi * (static_cast<double>(word1) * 0x1p-32);
  pair[0] = static_cast<float>(radius * std::cos(angle));
  pair[1] = static_cast<float>(radius * std::sin(angle));
}

template <typename Transform>
void DrawBlocks(uint64_t seed, uint64_t stream, absl::Span<float> elements,
                const Transform& transform) {
  const Philox random(seed, stream, 0);
  const int64_t count = static_cast<int64_t>(elements.size());
  ParallelFor((count + 3) / 4, kBlocksPerRange, [&](int64_t begin, int64_t end) {
    for (int64_t block = begin; block < end; ++block) {
      float four[4];
      transform(random(static_cast<uint64_t>(block)), four);
      const int64_t first = block * 4;
      std::copy_n(four, std::min<int64_t>(4, count - first), elements.begin() + first);
    }
  });
}

void DrawNormal(double deviation, uint64_t seed, uint64_t stream, absl::Span<float> elements) {
  const float scale = static_cast<float>(deviation);
  DrawBlocks(seed, stream, elements, [scale](const Philox::Words& words, float* four) {
    NormalPair(words[0], words[1], four);
    NormalPair(words[2], words[3], four + 2);
    for (int i = 0; i < 4; ++i) four[i] *= scale;
  });
}

void DrawUniform(double bound, uint64_t seed, uint64_t stream, absl::Span<float> elements) {
  const float scale = static_cast<float>(bound);
  DrawBlocks(seed, stream, elements, [scale](const Philox::Words& words, float* four) {
    for (int i = 0; i < 4; ++i) four[i] = scale * (2 * UniformFloat(words[i]) - 1);
  });
}

// A vector's part along unit vectors is taken away, twice against cancellation.
void MakeOrthogonalTo(absl::Span<const double> units, int64_t length, absl::Span<double> vector) {
  const int64_t count = static_cast<int64_t>(units.size()) / length;
  std::vector<double> parts(static_cast<size_t>(count));
  for (int pass = 0; pass < 2; ++pass) {
    ParallelFor(count, kSmallestRange / length + 1, [&](int64_t begin, int64_t end) {
      for (int64_t u = begin; u < end; ++u) {
        const double* unit = units.data() + u * length;
        double sum = 0;
        for (int64_t i = 0; i < length; ++i) sum += unit[i] * vector[i];
        parts[static_cast<size_t>(u)] = sum;
      }
    });
    ParallelFor(length, kSmallestRange / (count + 1) + 64, [&](int64_t begin, int64_t end) {
      for (int64_t u = 0; u < count; ++u) {
        const double* unit = units.data() + u * length;
        for (int64_t i = begin; i < end; ++i) vector[i] -= parts[static_cast<size_t>(u)] * unit[i];
      }
    });
  }
}

// Gram and Schmidt on the shorter side of a normal matrix: the same distribution (Haar) as the QR
// decomposition with a positive diagonal, which torch.nn.init.orthogonal_ takes.
void DrawOrthogonal(const FirstValue& value, uint64_t seed, uint64_t stream,
                    absl::Span<float> elements) {
  const int64_t rows = value.rows;
  const int64_t columns = static_cast<int64_t>(elements.size()) / rows;
  const bool is_tall = rows > columns;
  const int64_t vectors = is_tall ? columns : rows;
  const int64_t length = is_tall ? rows : columns;
  DrawNormal(1, seed, stream, elements);
  std::vector<double> units(elements.begin(), elements.end());
  for (int64_t v = 0; v < vectors; ++v) {
    const absl::Span<double> all = absl::MakeSpan(units);
    const absl::Span<double> vector =
        all.subspan(static_cast<size_t>(v * length), static_cast<size_t>(length));
    MakeOrthogonalTo(all.first(static_cast<size_t>(v * length)), length, vector);
    double squares = 0;
    for (const double element : vector) squares += element * element;
    for (double& element : vector) element /= std::sqrt(squares);
  }
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < columns; ++c) {
      const double unit = units[static_cast<size_t>(is_tall ? c * length + r : r * length + c)];
      elements[static_cast<size_t>(r * columns + c)] = static_cast<float>(value.parameter * unit);
    }
  }
}

}  // namespace

absl::StatusOr<Initialization> InitializationOf(std::string_view name) {
  for (const Name& known : kNames) {
    if (known.name == name) return known.kind;
  }
  return absl::InvalidArgumentError(absl::StrCat("build: found initialization \"",
                                                 std::string(name), "\", expected one of ",
                                                 absl::StrJoin(InitializationNames(), ", ")));
}

std::vector<std::string> InitializationNames() {
  std::vector<std::string> names;
  for (const Name& known : kNames) names.emplace_back(known.name);
  return names;
}

FirstValue FirstWeight(const InitializationOptions& options, double gain, int64_t fan_in,
                       int64_t fan_out, int64_t rows, bool is_convolution) {
  const double in = static_cast<double>(fan_in);
  const double out = static_cast<double>(fan_out);
  const double kept = options.uses_fan_out && is_convolution ? out : in;
  const double he = options.gain.value_or(gain) / std::sqrt(kept);
  const double xavier = options.gain.value_or(1) * std::sqrt(2 / (in + out));
  switch (options.kind) {
    case Initialization::kHeNormal:
      return {Distribution::kNormal, he};
    case Initialization::kHeUniform:
      return {Distribution::kUniform, std::sqrt(3.0) * he};
    case Initialization::kXavierNormal:
      return {Distribution::kNormal, xavier};
    case Initialization::kXavierUniform:
      return {Distribution::kUniform, std::sqrt(3.0) * xavier};
    case Initialization::kOrthogonal:
      return {Distribution::kOrthogonal, options.gain.value_or(gain), rows};
    case Initialization::kNormal:
      break;
  }
  return {Distribution::kNormal, options.gain.value_or(1) * kTransformerDeviation};
}

void Draw(const FirstValue& value, uint64_t seed, uint64_t stream, absl::Span<float> elements) {
  switch (value.distribution) {
    case Distribution::kConstant:
      std::fill(elements.begin(), elements.end(), static_cast<float>(value.parameter));
      return;
    case Distribution::kNormal:
      return DrawNormal(value.parameter, seed, stream, elements);
    case Distribution::kUniform:
      return DrawUniform(value.parameter, seed, stream, elements);
    case Distribution::kOrthogonal:
      return DrawOrthogonal(value, seed, stream, elements);
  }
}

}  // namespace strop
