#include "ops/core/kernel.h"

namespace strop {

std::unique_ptr<Kernel> MakeKernel(std::function<absl::Status(const KernelArguments&)> run,
                                   size_t workspace_bytes) {
  auto kernel = std::make_unique<Kernel>();
  kernel->run = std::move(run);
  kernel->workspace_bytes = workspace_bytes;
  kernel->implementation = "generic";
  return kernel;
}

}  // namespace strop
