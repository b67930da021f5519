#include "ops/kernels/channel_sum.h"

#include <array>

#include "graph/visit_type.h"
#include "ops/kernels/channel_layout.h"
#include "ops/kernels/channel_loops.h"

namespace strop {

absl::StatusOr<std::unique_ptr<Kernel>> ChannelSum(const KernelRequest& request) {
  const TensorDescription& x = request.inputs[0];
  std::unique_ptr<Kernel> kernel;
  const Layout layout = PreferredChannelLayout(request, x.shape);
  const ChannelLayout channels = *ChannelLayoutOf(x.shape, layout);
  const absl::Status status = VisitFloating(x.type, request.node.op_type, [&]<typename T>() {
    kernel = MakeKernel(
        [channels](const KernelArguments& arguments) {
          const T* const input = arguments.input<T>(0);
          T* const output = arguments.output<T>(0);
          const auto term = [input](int64_t, int64_t i) {
            return std::array{static_cast<ComputeType<T>>(input[i])};
          };
          const auto store = [output](int64_t c, const std::array<double, 1>& sums) {
            output[c] = static_cast<T>(static_cast<ComputeType<T>>(sums[0]));
          };
          ReduceChannels<ComputeType<T>, 1>(channels, term, store, arguments.workspace);
          return absl::OkStatus();
        },
        ChannelReductionBytes(channels, 1));
    return absl::OkStatus();
  });
  if (!status.ok()) return status;
  kernel->input_layouts = {layout};
  return kernel;
}

}  // namespace strop
