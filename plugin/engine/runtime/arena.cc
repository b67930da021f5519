#include "plugin/engine/runtime/arena.h"

#include <sys/mman.h>

#include "absl/strings/str_cat.h"

namespace strop {
namespace {

constexpr size_t kHugePage = size_t{2} << 20;

}  // namespace

Arena::~Arena() { Release(); }

void Arena::Release() {
  if (data_ != nullptr) munmap(data_, bytes_);
  data_ = nullptr;
  bytes_ = 0;
}

absl::Status Arena::Reserve(size_t bytes) {
  if (bytes <= bytes_) return absl::OkStatus();
  Release();
  const size_t rounded = (bytes + kHugePage - 1) / kHugePage * kHugePage;
  void* memory = mmap(nullptr, rounded, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    return absl::ResourceExhaustedError(
        absl::StrCat("run: no memory for a step's ", bytes >> 20, " MiB; use a smaller batch"));
  }
  madvise(memory, rounded, MADV_HUGEPAGE);
  data_ = static_cast<std::byte*>(memory);
  bytes_ = rounded;
  ++generation_;
  return absl::OkStatus();
}

}  // namespace strop
