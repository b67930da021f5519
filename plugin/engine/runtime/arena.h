#pragma once

#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"

namespace strop {

// Memory for a step, on huge pages where the system has them. Contents are undefined. Sessions that
// never run at the same time may share one.
class Arena {
 public:
  Arena() = default;
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // Makes the arena at least `bytes` large; its address may change and its contents are lost.
  absl::Status Reserve(size_t bytes);

  std::byte* data() const { return data_; }
  size_t bytes() const { return bytes_; }
  // Counts the moves: addresses into the arena hold as long as this stays.
  uint64_t generation() const { return generation_; }

 private:
  void Release();

  std::byte* data_ = nullptr;
  size_t bytes_ = 0;
  uint64_t generation_ = 0;
};

}  // namespace strop
