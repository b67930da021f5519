// Quantization as training sees it (Jacob et al. 2018, "Quantization and Training of Neural
// Networks for Efficient Integer-Arithmetic-Only Inference").
//
//   FakeQuantize(X, scale, zero_point)    y = (clamp(q, quant_min, quant_max) − z)·s,
//                                         q = round(x / s) + z: QuantizeLinear, DequantizeLinear
//                                         dx = quant_min ≤ q ≤ quant_max ? dy : 0
//     the straight-through gradient, as torch.fake_quantize_per_channel_affine has it; scale and
//     zero point, whole-numbered in any type, lie as QuantizeLinear's do
//   MovingAverageRange(X, min, max)       min += averaging_constant·(minimum of X − min), max alike
//     the first X sets both, found by min > max: torch's MovingAverageMinMaxObserver; without
//     training_mode both stay
//   QuantizationParameters(min, max)      affine: s = (max(max,0) − min(min,0)) / (quant_max −
//     quant_min), z = quant_min − round(min / s); symmetric: s = max(−min, max) / quant_max, z = 0;
//     s is a float32 number, at least its epsilon; element by element

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "graph/affine_quantization.h"
#include "graph/status_macros.h"
#include "ops/core/family.h"
#include "ops/kernels/elementwise.h"
#include "ops/quantization/quantization_scale.h"

namespace strop {
namespace {

// ---- Attributes

struct QuantizationRange {
  double minimum;
  double maximum;
  explicit QuantizationRange(const Node& node)
      : minimum(static_cast<double>(node.attributes.Int("quant_min", -128))),
        maximum(static_cast<double>(node.attributes.Int("quant_max", 127))) {}
};

struct ScaleAttributes {
  int64_t axis;
  int64_t block_size;
  explicit ScaleAttributes(const Node& node)
      : axis(node.attributes.Int("axis", 1)), block_size(node.attributes.Int("block_size", 0)) {}
};

// ---- Type rules

absl::StatusOr<QuantizationScale> ScaleOf(const Node& node, const Shape& tensor,
                                          const Shape& scale) {
  const ScaleAttributes attributes(node);
  return QuantizationScale::Create(node, tensor, scale, attributes.axis, attributes.block_size);
}

// `scale` is the index of that input; the tensor is the one before it.
absl::Status FakeQuantizeShapes(ShapeContext& context, size_t scale) {
  STROP_RETURN_IF_ERROR(
      ScaleOf(context.node(), context.input(scale - 1), context.input(scale)).status());
  return SameShapeAsInput0(context);
}

absl::Status ForwardShapes(ShapeContext& context) { return FakeQuantizeShapes(context, 1); }
absl::Status GradientShapes(ShapeContext& context) { return FakeQuantizeShapes(context, 2); }

absl::Status RangeElementTypes(ElementTypeContext& context) {
  context.set_all_outputs(context.input(1));
  return absl::OkStatus();
}

absl::Status RangeShapes(ShapeContext& context) {
  for (size_t i = 1; i <= 2; ++i) {
    if (!context.input(i).empty()) {
      return context.Mismatch("a range of shape " + ShapeName(context.input(i)), "one number");
    }
  }
  context.set_output(0, {});
  context.set_output(1, {});
  return absl::OkStatus();
}

absl::Status ParameterShapes(ShapeContext& context) {
  if (context.input(0) != context.input(1)) {
    return context.Mismatch("a maximum of shape " + ShapeName(context.input(1)),
                            "the minimum's " + ShapeName(context.input(0)));
  }
  context.set_output(0, context.input(0));
  context.set_output(1, context.input(0));
  return absl::OkStatus();
}

// ---- Gradient rule

absl::Status StraightThrough(GradientContext& context) {
  if (!context.needs_gradient(0)) return absl::OkStatus();
  context.SetInputGradient(0, context.EmitStrop("FakeQuantizeGradient",
                                                {context.output_gradient(0), context.input(0),
                                                 context.input(1), context.input(2)},
                                                context.node().attributes));
  return absl::OkStatus();
}

// ---- Kernels

// y[i] = function(tensors' elements i, scale, zero point); the tensors stand before the scale.
template <typename MakeLoop>
absl::StatusOr<std::unique_ptr<Kernel>> ScaledKernel(const KernelRequest& request, size_t scale,
                                                     const MakeLoop& make_loop) {
  STROP_ASSIGN_OR_RETURN(
      const QuantizationScale scales,
      ScaleOf(request.node, request.inputs[0].shape, request.inputs[scale].shape));
  const int64_t count = request.outputs[0].element_count();
  const DataType scale_type = request.inputs[scale].type;
  const bool has_zero = request.has_input(scale + 1);
  const DataType zero_type = has_zero ? request.inputs[scale + 1].type : DataType::kUndefined;
  std::unique_ptr<Kernel> kernel;
  const auto make = [&]<typename T>() {
    const auto loop = make_loop.template operator()<T>();
    kernel = MakeKernel([=](const KernelArguments& arguments) {
      const void* zero = has_zero ? arguments.inputs[scale + 1] : nullptr;
      ParallelFor(count, kElementwiseGrain, [&](int64_t begin, int64_t end) {
        scales.ForEachRun(begin, end, [&](int64_t first, int64_t length, int64_t index) {
          loop(arguments, first, first + length,
               static_cast<ComputeType<T>>(ReadElement(scale_type, arguments.inputs[scale], index)),
               static_cast<ComputeType<T>>(ReadZeroPoint(zero_type, zero, index)));
        });
      });
      return absl::OkStatus();
    });
    // One scale for all: every layout is a flat array, and zero stays zero.
    if (scales.is_per_tensor()) AdoptElementwiseLayout(request, *kernel);
    return absl::OkStatus();
  };
  STROP_RETURN_IF_ERROR(VisitFloating(request.inputs[0].type, request.node.op_type, make));
  return kernel;
}

absl::StatusOr<std::unique_ptr<Kernel>> FakeQuantizeGeneric(const KernelRequest& request) {
  const QuantizationRange range(request.node);
  return ScaledKernel(request, 1, [range]<typename T>() {
    using C = ComputeType<T>;
    const C lowest = static_cast<C>(range.minimum);
    const C highest = static_cast<C>(range.maximum);
    return [=](const KernelArguments& arguments, int64_t begin, int64_t end, C scale, C zero) {
      const T* x = arguments.input<T>(0);
      T* y = arguments.output<T>(0);
#pragma omp simd
      for (int64_t i = begin; i < end; ++i) {
        const C q = std::rint(static_cast<C>(x[i]) / scale) + zero;
        // The comparisons let NaN through.
        const C clamped = q < lowest ? lowest : (q > highest ? highest : q);
        y[i] = static_cast<T>((clamped - zero) * scale);
      }
    };
  });
}

absl::StatusOr<std::unique_ptr<Kernel>> FakeQuantizeGradientGeneric(const KernelRequest& request) {
  const QuantizationRange range(request.node);
  return ScaledKernel(request, 2, [range]<typename T>() {
    using C = ComputeType<T>;
    const C lowest = static_cast<C>(range.minimum);
    const C highest = static_cast<C>(range.maximum);
    return [=](const KernelArguments& arguments, int64_t begin, int64_t end, C scale, C zero) {
      const T* dy = arguments.input<T>(0);
      const T* x = arguments.input<T>(1);
      T* dx = arguments.output<T>(0);
#pragma omp simd
      for (int64_t i = begin; i < end; ++i) {
        const C q = std::rint(static_cast<C>(x[i]) / scale) + zero;
        dx[i] = q < lowest || q > highest ? T{0} : dy[i];
      }
    };
  });
}

// The least and greatest of all elements but NaN.
struct Extremes {
  double lowest = std::numeric_limits<double>::infinity();
  double highest = -std::numeric_limits<double>::infinity();

  void Add(double element) {
    lowest = element < lowest ? element : lowest;
    highest = element > highest ? element : highest;
  }
};

// They do not depend on the order, so that threads may find them, each in a part of its own.
template <typename T>
Extremes ExtremesOf(const T* x, int64_t count) {
  constexpr int64_t kParts = 64;
  std::array<Extremes, kParts> parts;
  const int64_t length = std::max(kElementwiseGrain, (count + kParts - 1) / kParts);
  ParallelFor(count, length, [&](int64_t begin, int64_t end) {
    Extremes extremes;
    for (int64_t i = begin; i < end; ++i) extremes.Add(static_cast<ComputeType<T>>(x[i]));
    parts[static_cast<size_t>(begin / length)] = extremes;
  });
  Extremes all;
  for (const Extremes& part : parts) {
    all.lowest = std::min(all.lowest, part.lowest);
    all.highest = std::max(all.highest, part.highest);
  }
  return all;
}

absl::StatusOr<std::unique_ptr<Kernel>> MovingAverageRangeGeneric(const KernelRequest& request) {
  const double constant = request.node.attributes.Float("averaging_constant", 0.01);
  const bool is_training = request.node.attributes.Int("training_mode", 0) != 0;
  const int64_t count = is_training ? request.inputs[0].element_count() : 0;
  const DataType type = request.inputs[1].type;
  std::unique_ptr<Kernel> kernel;
  const auto make = [&]<typename T>() {
    kernel = MakeKernel([=](const KernelArguments& arguments) {
      const T* x = arguments.input<T>(0);
      const auto [lowest, highest] = ExtremesOf(x, count);
      const double minimum = ReadElement(type, arguments.inputs[1], 0);
      const double maximum = ReadElement(type, arguments.inputs[2], 0);
      const bool is_first = minimum > maximum;
      const double taken = is_first || count == 0 ? 0 : constant;
      const double from = is_first ? lowest : minimum;
      const double to = is_first ? highest : maximum;
      WriteElement(type, arguments.outputs[0], 0,
                   taken == 0 ? from : from + taken * (lowest - from));
      WriteElement(type, arguments.outputs[1], 0, taken == 0 ? to : to + taken * (highest - to));
      return absl::OkStatus();
    });
    return absl::OkStatus();
  };
  STROP_RETURN_IF_ERROR(VisitFloating(request.inputs[0].type, request.node.op_type, make));
  return kernel;
}

absl::StatusOr<std::unique_ptr<Kernel>> QuantizationParametersGeneric(
    const KernelRequest& request) {
  const QuantizationRange range(request.node);
  const bool is_symmetric = request.node.attributes.Int("symmetric", 0) != 0;
  const int64_t count = request.outputs[0].element_count();
  const DataType type = request.inputs[0].type;
  return MakeKernel([=](const KernelArguments& arguments) {
    for (int64_t i = 0; i < count; ++i) {
      const double low = ReadElement(type, arguments.inputs[0], i);
      const double high = ReadElement(type, arguments.inputs[1], i);
      const AffineQuantization affine(low, high, range.minimum, range.maximum);
      const float symmetric = SymmetricQuantizationScale(std::max(-low, high), range.maximum);
      WriteElement(type, arguments.outputs[0], i, is_symmetric ? symmetric : affine.scale);
      WriteElement(type, arguments.outputs[1], i, is_symmetric ? 0 : affine.zero_point);
    }
    return absl::OkStatus();
  });
}

// ---- Definitions

OpDefinition FakeQuantize() {
  return {.name = "FakeQuantize",
          .domain = kStropDomain,
          .minimum_inputs = 2,
          .maximum_inputs = 3,
          .shapes = ForwardShapes,
          .differentiability = {Differentiability::kDifferentiable,
                                Differentiability::kNotDifferentiable},
          .gradient = StraightThrough,
          .kernels = {FakeQuantizeGeneric},
          .in_place = {{0, 0}}};
}

OpDefinition FakeQuantizeGradient() {
  return {.name = "FakeQuantizeGradient",
          .domain = kStropDomain,
          .minimum_inputs = 3,
          .maximum_inputs = 4,
          .shapes = GradientShapes,
          .differentiability = {Differentiability::kNotImplemented},
          .kernels = {FakeQuantizeGradientGeneric},
          .in_place = {{0, 0}}};
}

OpDefinition MovingAverageRange() {
  return {.name = "MovingAverageRange",
          .domain = kStropDomain,
          .minimum_inputs = 3,
          .maximum_inputs = 3,
          .minimum_outputs = 2,
          .maximum_outputs = 2,
          .element_types = RangeElementTypes,
          .shapes = RangeShapes,
          .kernels = {MovingAverageRangeGeneric},
          .in_place = {{1, 0}, {2, 1}}};
}

OpDefinition QuantizationParameters() {
  return {.name = "QuantizationParameters",
          .domain = kStropDomain,
          .minimum_inputs = 2,
          .maximum_inputs = 2,
          .minimum_outputs = 2,
          .maximum_outputs = 2,
          .shapes = ParameterShapes,
          .kernels = {QuantizationParametersGeneric}};
}

}  // namespace

const RegisteredFamily kFakeQuantize = {
    "fake_quantize",
    {FakeQuantize(), FakeQuantizeGradient(), MovingAverageRange(), QuantizationParameters()}};

}  // namespace strop
