// What all gradients of a step are multiplied with.
//
//   GradientNorm(g1, …, gn)              √(Σ_k Σ_i gk[i]²), rank-0 double
//   StepScale(loss, norm) {max_norm}     min(1, max_norm/(norm + 1e-6)), as
//                                        torch.nn.utils.clip_grad_norm_ has it; 1 without a norm.
//                                        NaN when the loss or the norm is not finite, whereupon the
//                                        optimizers' updates leave the step out

#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "graph/visit_type.h"
#include "ops/core/family.h"
#include "ops/kernels/block_sum.h"
#include "ops/kernels/element_access.h"

namespace strop {
namespace {

// ---- Attributes

double MaximumNorm(const Node& node) { return node.attributes.Float("max_norm", 1); }

absl::Status CheckMaximumNorm(const Node& node) {
  if (MaximumNorm(node) > 0) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      NodeLabel(node), ": found max_norm ", MaximumNorm(node), ", expected a positive number"));
}

// ---- Type rules

absl::Status DoubleElementType(ElementTypeContext& context) {
  context.set_all_outputs(DataType::kDouble);
  return absl::OkStatus();
}

absl::Status StepScaleElementType(ElementTypeContext& context) {
  STROP_RETURN_IF_ERROR(context.ExpectFloating(1));
  return DoubleElementType(context);
}

absl::Status ScalarShape(ShapeContext& context) {
  context.set_output(0, {});
  return absl::OkStatus();
}

// ---- Kernels

// Σ x² over at most a block.
template <typename T>
double SumOfSquares(const T* x, int64_t count) {
  double sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < count; ++i) {
    const double element = static_cast<double>(static_cast<ComputeType<T>>(x[i]));
    sum += element * element;
  }
  return sum;
}

// One gradient: where its blocks' sums lie in the workspace, and how many elements it has.
struct GradientRange {
  DataType type;
  int64_t count;
  int64_t first_block;
};

// Padding is zero and adds nothing, so that every layout will do.
absl::StatusOr<std::unique_ptr<Kernel>> GradientNormGeneric(const KernelRequest& request) {
  std::vector<GradientRange> gradients;
  std::vector<Layout> layouts;
  int64_t blocks = 0;
  for (const TensorDescription& input : request.inputs) {
    const int64_t count =
        input.layout == nullptr
            ? input.element_count()
            : static_cast<int64_t>(input.layout->bytes() * 8) / BitsPerElement(input.type);
    gradients.push_back({input.type, count, blocks});
    layouts.push_back(input.layout);
    blocks += SumBlockCount(count);
  }
  std::unique_ptr<Kernel> kernel = MakeKernel(
      [gradients, blocks](const KernelArguments& arguments) -> absl::Status {
        double* sums = static_cast<double*>(arguments.workspace);
        for (size_t k = 0; k < gradients.size(); ++k) {
          const GradientRange& range = gradients[k];
          STROP_RETURN_IF_ERROR(VisitFloating(range.type, "GradientNorm", [&]<typename T>() {
            const T* elements = arguments.input<T>(k);
            ParallelForSumBlocks(range.count, [&](int64_t block, int64_t begin, int64_t end) {
              sums[range.first_block + block] = SumOfSquares(elements + begin, end - begin);
            });
            return absl::OkStatus();
          }));
        }
        double sum = 0;
        for (int64_t block = 0; block < blocks; ++block) sum += sums[block];
        *arguments.output<double>(0) = std::sqrt(sum);
        return absl::OkStatus();
      },
      sizeof(double) * static_cast<size_t>(blocks));
  kernel->input_layouts = std::move(layouts);
  return kernel;
}

absl::StatusOr<std::unique_ptr<Kernel>> StepScaleGeneric(const KernelRequest& request) {
  std::unique_ptr<Kernel> kernel;
  STROP_RETURN_IF_ERROR(VisitFloating(request.inputs[0].type, "StepScale", [&]<typename T>() {
    const bool has_norm = request.has_input(1);
    kernel = MakeKernel([has_norm, maximum = MaximumNorm(request.node),
                         norm_type = has_norm ? request.inputs[1].type : DataType::kDouble](
                            const KernelArguments& arguments) {
      const auto loss = static_cast<double>(static_cast<ComputeType<T>>(*arguments.input<T>(0)));
      const double norm = has_norm ? ReadElement(norm_type, arguments.inputs[1], 0) : 0;
      double scale = has_norm ? std::min(1.0, maximum / (norm + 1e-6)) : 1;
      if (!std::isfinite(loss) || !std::isfinite(norm)) {
        scale = std::numeric_limits<double>::quiet_NaN();
      }
      *arguments.output<double>(0) = scale;
      return absl::OkStatus();
    });
    return absl::OkStatus();
  }));
  return kernel;
}

}  // namespace

// ---- Definitions

const RegisteredFamily kGradientClipping = {
    "gradient_clipping",
    {
        {.name = "GradientNorm",
         .domain = kStropDomain,
         .maximum_inputs = kVariadic,
         .element_types = DoubleElementType,
         .shapes = ScalarShape,
         .differentiability = {Differentiability::kNotImplemented},
         .kernels = {GradientNormGeneric}},
        {.name = "StepScale",
         .domain = kStropDomain,
         .maximum_inputs = 2,
         .check_attributes = CheckMaximumNorm,
         .element_types = StepScaleElementType,
         .shapes = ScalarShape,
         .differentiability = {Differentiability::kNotImplemented},
         .kernels = {StepScaleGeneric}},
    }};

}  // namespace strop
