#include "ops/families.h"

#include "ops/registry.h"

namespace strop {

absl::Span<const OpFamily* const> OpFamilies() {
  static const OpFamily* const kFamilies[] = {
      &kActivation,
      &kArithmetic,
      &kGemm,
      &kMatMul,
  };
  return kFamilies;
}

}  // namespace strop
