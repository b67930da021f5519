#pragma once

#include <cstddef>

#include "absl/status/status.h"

namespace strop {

// Memory for a step, on huge pages where the system has them. Contents are undefined.
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

 private:
  void Release();

  std::byte* data_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace strop
