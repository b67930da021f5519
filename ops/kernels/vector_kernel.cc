#include "ops/kernels/vector_kernel.h"

#include "absl/strings/str_cat.h"
#include "ops/kernels/elementwise.h"

namespace strop {
namespace {

// Shorter rows spend their time between rows, where the generic kernel is as good.
constexpr int64_t kShortestRow = 16;

std::unique_ptr<Kernel> Finished(const KernelRequest& request, std::unique_ptr<Kernel> kernel) {
  kernel->implementation = VectorImplementation();
  AdoptElementwiseLayout(request, *kernel);
  return kernel;
}

}  // namespace

std::string VectorImplementation() { return absl::StrCat("simd ", simd::Functions().target); }

std::unique_ptr<Kernel> MakeVectorUnary(const KernelRequest& request, simd::Unary function,
                                        VectorParameters parameters) {
  if (request.inputs[0].type != DataType::kFloat) return nullptr;
  const int64_t count = request.outputs[0].element_count();
  return Finished(request, MakeKernel([=](const KernelArguments& arguments) {
                    const float* x = arguments.input<float>(0);
                    float* y = arguments.output<float>(0);
                    ParallelFor(count, kElementwiseGrain, [&](int64_t begin, int64_t end) {
                      function(x + begin, y + begin, end - begin, parameters.data());
                    });
                    return absl::OkStatus();
                  }));
}

std::unique_ptr<Kernel> MakeVectorBinary(const KernelRequest& request, simd::Binary function,
                                         VectorParameters parameters) {
  if (request.inputs[0].type != DataType::kFloat) return nullptr;
  const int64_t count = request.outputs[0].element_count();
  return Finished(request, MakeKernel([=](const KernelArguments& arguments) {
                    const float* a = arguments.input<float>(0);
                    const float* b = arguments.input<float>(1);
                    float* y = arguments.output<float>(0);
                    ParallelFor(count, kElementwiseGrain, [&](int64_t begin, int64_t end) {
                      function(a + begin, b + begin, y + begin, end - begin, parameters.data());
                    });
                    return absl::OkStatus();
                  }));
}

std::unique_ptr<Kernel> MakeVectorBroadcasting(const KernelRequest& request,
                                               const simd::Broadcasting& function) {
  if (request.inputs[0].type != DataType::kFloat) return nullptr;
  const BroadcastWalk walk = WalkOf(request);
  if (walk.inner_size() < kShortestRow) return nullptr;
  const simd::Binary row_function = walk.inner_step(0) == 0   ? function.number_first
                                    : walk.inner_step(1) == 0 ? function.number_second
                                                              : function.ranges;
  return Finished(request, MakeKernel([=](const KernelArguments& arguments) {
                    const float* a = arguments.input<float>(0);
                    const float* b = arguments.input<float>(1);
                    float* y = arguments.output<float>(0);
                    walk.ParallelForEachRow(kElementwiseGrain, [&](const BroadcastWalk::Row& row) {
                      row_function(a + row.offsets[0], b + row.offsets[1], y + row.begin, row.count,
                                   nullptr);
                    });
                    return absl::OkStatus();
                  }));
}

}  // namespace strop
