#pragma once

#include <array>
#include <cstdint>

namespace strop {

// Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC11): four random
// words that are a function of a key and a counter, so that any thread computes any part of a
// sequence.
class Philox {
 public:
  using Words = std::array<uint32_t, 4>;

  // One sequence a (seed, stream, step): `stream` tells the nodes of a graph apart.
  Philox(uint64_t seed, uint64_t stream, uint64_t step)
      : key_low_(static_cast<uint32_t>(seed)),
        key_high_(static_cast<uint32_t>(seed >> 32)),
        // Streams and steps beyond 2^32 are folded.
        stream_(static_cast<uint32_t>(stream) ^ static_cast<uint32_t>(stream >> 32)),
        step_(static_cast<uint32_t>(step) ^ static_cast<uint32_t>(step >> 32)) {}

  // The `block`-th four words of the sequence.
  Words operator()(uint64_t block) const {
    constexpr uint64_t kMultiplier0 = 0xD2511F53;
    constexpr uint64_t kMultiplier1 = 0xCD9E8D57;
    constexpr uint32_t kWeyl0 = 0x9E3779B9;
    constexpr uint32_t kWeyl1 = 0xBB67AE85;
    constexpr int kRounds = 10;
    Words words = {static_cast<uint32_t>(block), static_cast<uint32_t>(block >> 32), stream_,
                   step_};
    uint32_t key0 = key_low_;
    uint32_t key1 = key_high_;
    for (int round = 0; round < kRounds; ++round) {
      const uint64_t product0 = kMultiplier0 * words[0];
      const uint64_t product1 = kMultiplier1 * words[2];
      words = {
          static_cast<uint32_t>(product1 >> 32) ^ words[1] ^ key0, static_cast<uint32_t>(product1),
          static_cast<uint32_t>(product0 >> 32) ^ words[3] ^ key1, static_cast<uint32_t>(product0)};
      key0 += kWeyl0;
      key1 += kWeyl1;
    }
    return words;
  }

 private:
  uint32_t key_low_;
  uint32_t key_high_;
  uint32_t stream_;
  uint32_t step_;
};

// Evenly in [0, 1): 24 bits, exact in float.
inline float UniformFloat(uint32_t word) {
  return static_cast<float>(word >> 8) * (1.0f / (1 << 24));
}

}  // namespace strop
