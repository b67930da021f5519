#pragma once

#include <cstdint>

namespace strop {

// How far apart the states of a SplitMix64 stream are.
inline constexpr uint64_t kSplitMixStep = 0x9e3779b97f4a7c15u;

// The number that SplitMix64 gives from `state`; the next one is that of state + kSplitMixStep
// (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014). Good
// enough for orders and first weights; Philox serves masks, which any thread draws any part of.
constexpr uint64_t SplitMix64(uint64_t state) {
  state += kSplitMixStep;
  state = (state ^ (state >> 30)) * 0xbf58476d1ce4e5b9u;
  state = (state ^ (state >> 27)) * 0x94d049bb133111ebu;
  return state ^ (state >> 31);
}

}  // namespace strop
