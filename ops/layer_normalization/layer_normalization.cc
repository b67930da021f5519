// Normalization of the trailing axes [axis, rank), row by row; n elements a row.
//
//   LayerNormalization-17  x̂ = (x − mean)·inverse, inverse = 1/√(var + epsilon),  y = x̂·scale + b
//   RMSNormalization-23    x̂ = x·inverse, inverse = 1/√(mean(x²) + epsilon),      y = x̂·scale
//   dscale = Σ_rows dy·x̂,  db = Σ_rows dy,  dx as in layer_normalization_rows.h
//
// Half types are computed in float and double in double, whatever stash_type says; the outputs Mean
// and InvStdDev have the type that stash_type asks for, and double beside double. Backward reads
// statistics that forward saves in the type they were computed in.

#include <omp.h>

#include "absl/strings/str_cat.h"
#include "ops/core/family.h"
#include "ops/kernels/parallel_for.h"
#include "ops/layer_normalization/layer_normalization_rows.h"
#include "ops/layer_normalization/row_parameter.h"

namespace strop {
namespace {

// ---- Attributes

struct NormalizationAttributes {
  int64_t axis;         // first normalized axis
  double epsilon;       // added to the variance
  DataType statistics;  // of the outputs Mean and InvStdDev

  explicit NormalizationAttributes(const Node& node)
      : axis(node.attributes.Int("axis", -1)),
        epsilon(node.attributes.Float("epsilon", 1e-5)),
        statistics(static_cast<DataType>(node.attributes.Int("stash_type", 1))) {}
};

// Outputs and inputs by number. RMSNormalization has no Mean, no InvStdDev and no B.
constexpr size_t kMeanOutput = 1;
constexpr size_t kInverseOutput = 2;
constexpr size_t kSavedMean = 3;
constexpr size_t kSavedInverse = 4;

enum GradientInput : size_t {
  kX,
  kScale,
  kMean,
  kInverse,
  kYGradient,
  kMeanGradient,
  kInverseGradient,
  kBias
};

// ---- Type rules

absl::Status CheckStashType(const Node& node) {
  if (IsFloating(NormalizationAttributes(node).statistics)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "node ", NodeLabel(node), ": stash_type is no floating type; expected 1 (float)"));
}

absl::Status NormalizationTypes(ElementTypeContext& context) {
  const DataType type = context.input(0);
  for (size_t i = 1; i < context.node().inputs.size(); ++i) {
    if (context.input(i) == DataType::kUndefined || context.input(i) == type) continue;
    return absl::UnimplementedError(
        absl::StrCat("node ", NodeLabel(context.node()), ": X is ", std::string(DataTypeName(type)),
                     " and input ", i, " is ", std::string(DataTypeName(context.input(i))),
                     "; expected one type, cast one of them"));
  }
  const bool is_double = type == DataType::kDouble;
  const DataType computed = is_double ? DataType::kDouble : DataType::kFloat;
  const DataType stashed = is_double ? type : NormalizationAttributes(context.node()).statistics;
  context.set_output(0, type);
  context.set_output(kMeanOutput, stashed);
  context.set_output(kInverseOutput, stashed);
  context.set_output(kSavedMean, computed);
  context.set_output(kSavedInverse, computed);
  return absl::OkStatus();
}

// Scale or bias beside the normalized shape: leading axes of size 1 do not count.
bool FitsNormalizedShape(absl::Span<const int64_t> parameter,
                         absl::Span<const int64_t> normalized) {
  while (parameter.size() > normalized.size()) {
    if (parameter[0] != 1) return false;
    parameter.remove_prefix(1);
  }
  const size_t offset = normalized.size() - parameter.size();
  for (size_t i = 0; i < parameter.size(); ++i) {
    if (parameter[i] != 1 && parameter[i] != normalized[offset + i]) return false;
  }
  return true;
}

absl::Status NormalizationShape(ShapeContext& context) {
  const Shape& x = context.input(0);
  const absl::StatusOr<int64_t> axis =
      NormalizeAxis(NormalizationAttributes(context.node()).axis, context.rank(0));
  if (!axis.ok()) return context.Mismatch(std::string(axis.status().message()), "an axis of X");
  const auto normalized = absl::MakeSpan(x).subspan(static_cast<size_t>(*axis));
  for (const size_t i : {1, 2}) {
    if (!context.has_input(i) || FitsNormalizedShape(context.input(i), normalized)) continue;
    return context.Mismatch("scale or bias of shape " + ShapeName(context.input(i)),
                            "a shape that broadcasts to " + ShapeName(normalized));
  }
  Shape statistics = x;
  std::fill(statistics.begin() + *axis, statistics.end(), 1);
  context.set_output(0, x);
  for (size_t i = 1; i < context.output_count(); ++i) context.set_output(i, statistics);
  return absl::OkStatus();
}

absl::Status NormalizationGradientShape(ShapeContext& context) {
  context.set_output(0, context.input(kX));
  context.set_output(1, context.input(kScale));
  if (context.has_input(kBias)) context.set_output(2, context.input(kBias));
  return absl::OkStatus();
}

// ---- Gradient rules

// The cotangent of a statistic in the type in which statistics are computed.
ValueId StatisticCotangent(GradientContext& context, size_t output) {
  const ValueId cotangent = context.output_gradient(output);
  if (cotangent == kNoValue) return kNoValue;
  const DataType computed = context.element_type(context.output(kSavedInverse));
  if (context.element_type(cotangent) == computed) return cotangent;
  return context.Emit("Cast", {cotangent}, {{"to", static_cast<int64_t>(computed)}});
}

absl::Status EmitNormalizationGradient(GradientContext& context, std::string_view op, ValueId mean,
                                       ValueId mean_gradient, ValueId inverse_gradient) {
  const ValueId bias = context.input(2);
  const std::vector<ValueId> gradients = context.EmitIn(
      kStropDomain, op,
      {context.input(0), context.input(1), mean, context.output(kSavedInverse),
       context.output_gradient(0), mean_gradient, inverse_gradient, bias},
      {{"axis", context.node().attributes.Int("axis", -1)}}, bias == kNoValue ? 2 : 3);
  for (size_t i = 0; i < gradients.size(); ++i) {
    if (context.needs_gradient(i)) context.SetInputGradient(i, gradients[i]);
  }
  return absl::OkStatus();
}

absl::Status LayerNormalizationGradient(GradientContext& context) {
  return EmitNormalizationGradient(
      context, "LayerNormalizationGradient", context.output(kSavedMean),
      StatisticCotangent(context, kMeanOutput), StatisticCotangent(context, kInverseOutput));
}

absl::Status RmsNormalizationGradient(GradientContext& context) {
  return EmitNormalizationGradient(context, "RMSNormalizationGradient", kNoValue, kNoValue,
                                   kNoValue);
}

// ---- Kernels

// How X is cut into rows.
struct Rows {
  int64_t count;
  int64_t length;
  absl::Span<const int64_t> normalized;
  int64_t grain;  // rows that a thread takes at least

  static absl::StatusOr<Rows> Of(const KernelRequest& request) {
    const Shape& x = request.inputs[0].shape;
    STROP_ASSIGN_OR_RETURN(
        const int64_t axis,
        NormalizeAxis(NormalizationAttributes(request.node).axis, static_cast<int64_t>(x.size())));
    const auto dimensions = absl::MakeConstSpan(x);
    const auto normalized = dimensions.subspan(static_cast<size_t>(axis));
    const int64_t length = ElementCount(normalized);
    constexpr int64_t kElementsPerThread = 4096;
    return Rows{ElementCount(dimensions.first(static_cast<size_t>(axis))), length, normalized,
                std::max<int64_t>(kElementsPerThread / std::max<int64_t>(length, 1), 1)};
  }
};

// Statistics in the type that the graph asks for.
template <typename Compute>
void StoreStatistics(const Compute* from, int64_t count, DataType type, void* to) {
  if (to == nullptr || from == to) return;
  const absl::Status status = VisitFloating(type, "statistics", [&]<typename S>() {
    for (int64_t i = 0; i < count; ++i) {
      static_cast<S*>(to)[i] = static_cast<S>(static_cast<ComputeType<S>>(from[i]));
    }
    return absl::OkStatus();
  });
  (void)status;  // check_attributes let floating types through only
}

template <typename T>
using ForwardRows = void (*)(const NormalizedRows<T>&, int64_t, int64_t);

template <typename T>
absl::StatusOr<std::unique_ptr<Kernel>> ForwardKernel(const KernelRequest& request,
                                                      bool is_centered, ForwardRows<T> normalize) {
  using Compute = ComputeType<T>;
  STROP_ASSIGN_OR_RETURN(const Rows rows, Rows::Of(request));
  const RowParameter<T> scale(request.inputs[1], rows.normalized);
  const RowParameter<T> bias = request.has_input(2)
                                   ? RowParameter<T>(request.inputs[2], rows.normalized)
                                   : RowParameter<T>();
  const NormalizedRows<T> form = {.length = rows.length,
                                  .is_centered = is_centered,
                                  .epsilon = NormalizationAttributes(request.node).epsilon};
  const DataType stashed = request.has_output(kMeanOutput) ? request.outputs[kMeanOutput].type
                           : request.has_output(kInverseOutput)
                               ? request.outputs[kInverseOutput].type
                               : DataType::kFloat;
  const int64_t count = rows.count;
  const int64_t length = rows.length;
  return MakeKernel(
      [=, grain = rows.grain](const KernelArguments& arguments) {
        Compute* space = static_cast<Compute*>(arguments.workspace);
        Compute* const saved_mean = arguments.output<Compute>(kSavedMean);
        Compute* const saved_inverse = arguments.output<Compute>(kSavedInverse);
        NormalizedRows<T> work = form;
        work.x = arguments.input<T>(0);
        work.y = arguments.output<T>(0);
        work.scale = scale.Expand(arguments.input<T>(1), space);
        work.bias = bias.Expand(arguments.input<T>(2), space + length);
        work.mean = saved_mean != nullptr ? saved_mean : space + 2 * length;
        work.inverse_deviation =
            saved_inverse != nullptr ? saved_inverse : space + 2 * length + count;
        ParallelFor(count, grain, [&](int64_t begin, int64_t end) { normalize(work, begin, end); });
        StoreStatistics(work.mean, count, stashed, arguments.output<void>(kMeanOutput));
        StoreStatistics(work.inverse_deviation, count, stashed,
                        arguments.output<void>(kInverseOutput));
        return absl::OkStatus();
      },
      static_cast<size_t>(2 * (length + count)) * sizeof(Compute));
}

template <typename T>
using BackwardRows = void (*)(const NormalizedRowsGradient<T>&, int64_t, int64_t);

template <typename T>
absl::StatusOr<std::unique_ptr<Kernel>> BackwardKernel(const KernelRequest& request,
                                                       bool is_centered,
                                                       BackwardRows<T> differentiate) {
  using Compute = ComputeType<T>;
  STROP_ASSIGN_OR_RETURN(const Rows rows, Rows::Of(request));
  const RowParameter<T> scale(request.inputs[kScale], rows.normalized);
  const RowParameter<T> bias = request.has_input(kBias)
                                   ? RowParameter<T>(request.inputs[kBias], rows.normalized)
                                   : RowParameter<T>();
  const NormalizedRowsGradient<T> form = {.length = rows.length, .is_centered = is_centered};
  const int64_t count = rows.count;
  const int64_t length = rows.length;
  const int64_t threads = omp_get_max_threads();
  return MakeKernel(
      [=, grain = rows.grain](const KernelArguments& arguments) {
        Compute* const sums = static_cast<Compute*>(arguments.workspace);
        Compute* const partial_scale = sums + length;
        Compute* const partial_bias = partial_scale + threads * length;
        Compute* const space = partial_bias + threads * length;
        NormalizedRowsGradient<T> work = form;
        work.x = arguments.input<T>(kX);
        work.scale = scale.Expand(arguments.input<T>(kScale), space);
        work.mean = arguments.input<Compute>(kMean);
        work.inverse_deviation = arguments.input<Compute>(kInverse);
        work.y_gradient = arguments.input<T>(kYGradient);
        work.mean_gradient = arguments.input<Compute>(kMeanGradient);
        work.inverse_deviation_gradient = arguments.input<Compute>(kInverseGradient);
        work.x_gradient = arguments.output<T>(0);
        T* const scale_gradient = arguments.output<T>(1);
        T* const bias_gradient = arguments.output<T>(2);
        std::fill_n(partial_scale, 2 * threads * length, Compute{0});
        ParallelFor(count, grain, [&](int64_t begin, int64_t end) {
          NormalizedRowsGradient<T> mine = work;
          const int64_t offset = omp_get_thread_num() * length;
          if (scale_gradient != nullptr) mine.scale_gradient = partial_scale + offset;
          if (bias_gradient != nullptr) mine.bias_gradient = partial_bias + offset;
          differentiate(mine, begin, end);
        });
        if (scale_gradient != nullptr) scale.Reduce(partial_scale, threads, sums, scale_gradient);
        if (bias_gradient != nullptr) bias.Reduce(partial_bias, threads, sums, bias_gradient);
        return absl::OkStatus();
      },
      static_cast<size_t>((2 + 2 * threads) * length) * sizeof(Compute));
}

template <bool kIsCentered>
absl::StatusOr<std::unique_ptr<Kernel>> ForwardGeneric(const KernelRequest& request) {
  absl::StatusOr<std::unique_ptr<Kernel>> kernel = nullptr;
  const absl::Status status =
      VisitFloating(request.inputs[0].type, request.node.op_type, [&]<typename T>() {
        kernel = ForwardKernel<T>(request, kIsCentered, NormalizeRows<T>);
        return kernel.status();
      });
  if (!status.ok()) return status;
  return kernel;
}

template <bool kIsCentered>
absl::StatusOr<std::unique_ptr<Kernel>> ForwardFast(const KernelRequest& request) {
  if (request.inputs[0].type != DataType::kFloat) return nullptr;
  STROP_ASSIGN_OR_RETURN(std::unique_ptr<Kernel> kernel,
                         ForwardKernel<float>(request, kIsCentered, NormalizeRowsFloat));
  kernel->implementation = "simd";
  return kernel;
}

template <bool kIsCentered>
absl::StatusOr<std::unique_ptr<Kernel>> BackwardGeneric(const KernelRequest& request) {
  absl::StatusOr<std::unique_ptr<Kernel>> kernel = nullptr;
  const absl::Status status =
      VisitFloating(request.inputs[0].type, request.node.op_type, [&]<typename T>() {
        kernel = BackwardKernel<T>(request, kIsCentered, NormalizeRowsGradient<T>);
        return kernel.status();
      });
  if (!status.ok()) return status;
  return kernel;
}

template <bool kIsCentered>
absl::StatusOr<std::unique_ptr<Kernel>> BackwardFast(const KernelRequest& request) {
  if (request.inputs[0].type != DataType::kFloat || !request.has_input(kYGradient)) return nullptr;
  STROP_ASSIGN_OR_RETURN(std::unique_ptr<Kernel> kernel,
                         BackwardKernel<float>(request, kIsCentered, NormalizeRowsGradientFloat));
  kernel->implementation = "simd";
  return kernel;
}

// ---- Definitions

template <bool kIsCentered>
OpDefinition Normalization(std::string_view name, int since_version,
                           absl::Status (*gradient)(GradientContext&)) {
  return {.name = name,
          .since_version = since_version,
          .minimum_inputs = 2,
          .maximum_inputs = kIsCentered ? 3 : 2,
          .maximum_outputs = kSavedInverse + 1,
          .check_attributes = CheckStashType,
          .element_types = NormalizationTypes,
          .shapes = NormalizationShape,
          .differentiability = {Differentiability::kDifferentiable},
          .gradient = gradient,
          .kernels = {ForwardFast<kIsCentered>, ForwardGeneric<kIsCentered>},
          .in_place = {{0, 0}},
          .roles = kIsCentered ? std::vector<InputRole>{{1, "scale"}, {2, "bias"}}
                               : std::vector<InputRole>{{1, "scale"}},
          .output_units = kIsCentered ? UnitAxis::kLast : UnitAxis::kUnsaid,
          .watch = OutputWatch()};
}

// (X, scale, mean, inverse, dY, dMean, dInvStdDev, B: shape) → (dX, dscale, dB).
template <bool kIsCentered>
OpDefinition NormalizationGradient(std::string_view name) {
  std::vector<InputUse> input_use(kBias, InputUse::kElements);
  input_use.push_back(InputUse::kShapeOnly);
  return {.name = name,
          .domain = kStropDomain,
          .minimum_inputs = 2,
          .maximum_inputs = kBias + 1,
          .maximum_outputs = 3,
          .shapes = NormalizationGradientShape,
          .differentiability = {Differentiability::kNotImplemented},
          .kernels = {BackwardFast<kIsCentered>, BackwardGeneric<kIsCentered>},
          .in_place = {{kYGradient, 0}},
          .input_use = std::move(input_use)};
}

}  // namespace

const RegisteredFamily kLayerNormalization = {
    "layer_normalization",
    {
        Normalization<true>("LayerNormalization", 17, LayerNormalizationGradient),
        NormalizationGradient<true>("LayerNormalizationGradient"),
        Normalization<false>("RMSNormalization", 23, RmsNormalizationGradient),
        NormalizationGradient<false>("RMSNormalizationGradient"),
    }};

}  // namespace strop
