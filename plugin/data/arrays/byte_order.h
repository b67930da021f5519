#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace strop {

// The number in `size` bytes, at most 4, that begin at `at`; 0 where they reach over the end.
inline uint32_t BigEndian(std::string_view bytes, size_t at, size_t size) {
  if (at > bytes.size() || bytes.size() - at < size) return 0;
  uint32_t number = 0;
  for (size_t i = 0; i < size; ++i) number = number << 8 | static_cast<uint8_t>(bytes[at + i]);
  return number;
}

inline uint32_t LittleEndian(std::string_view bytes, size_t at, size_t size) {
  if (at > bytes.size() || bytes.size() - at < size) return 0;
  uint32_t number = 0;
  for (size_t i = size; i-- > 0;) number = number << 8 | static_cast<uint8_t>(bytes[at + i]);
  return number;
}

}  // namespace strop
