#include "ops/reorder.h"

#include <cstring>

namespace strop {

absl::StatusOr<std::unique_ptr<Kernel>> MakeReorderKernel(DataType type, const Shape& shape,
                                                          const Layout& from, const Layout& to) {
  if (from != nullptr || to != nullptr) {
    return absl::InternalError("reorder: opaque layouts have no kernel yet");
  }
  const size_t bytes = BytesFor(type, ElementCount(shape));
  return MakeKernel([bytes](const KernelArguments& arguments) {
    if (bytes > 0) std::memcpy(arguments.outputs[0], arguments.inputs[0], bytes);
    return absl::OkStatus();
  });
}

}  // namespace strop
