// Numbers as small integers: q stands for (q − zero_point)·scale.
//
//   QuantizeLinear-25    q = saturate(round(x / scale) + zero_point), ties to even
//   DequantizeLinear-25  y = (q − zero_point)·scale
//
// scale and zero point are one number, one per index of `axis`, or one per block of `block_size`
// indices along it. A pair of the two is differentiated as FakeQuantize (fake_quantize.cc); alone
// they have no gradient here.

#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "ops/core/family.h"
#include "ops/kernels/elementwise.h"
#include "ops/quantization/quantization_scale.h"

namespace strop {
namespace {

// ---- Attributes

struct QuantizationAttributes {
  int64_t axis;
  int64_t block_size;     // 0: not blocked
  DataType output_dtype;  // kUndefined: follows from the inputs
  explicit QuantizationAttributes(const Node& node)
      : axis(node.attributes.Int("axis", 1)),
        block_size(node.attributes.Int("block_size", 0)),
        output_dtype(static_cast<DataType>(node.attributes.Int("output_dtype", 0))) {}
};

absl::Status CheckPrecision(const Node& node) {
  const auto precision = static_cast<DataType>(node.attributes.Int("precision", 0));
  if (precision == DataType::kUndefined || precision == DataType::kFloat) return absl::OkStatus();
  return absl::UnimplementedError(absl::StrCat(NodeLabel(node), ": divides in ",
                                               std::string(DataTypeName(precision)),
                                               ", expected float32 or the input's own type"));
}

// ---- Type rules

bool IsSmallInteger(DataType type) {
  return type == DataType::kInt8 || type == DataType::kUint8 || type == DataType::kInt16 ||
         type == DataType::kUint16;
}

absl::Status RefuseType(const Node& node, DataType type) {
  return absl::UnimplementedError(absl::StrCat(NodeLabel(node), ": quantizes to ",
                                               std::string(DataTypeName(type)),
                                               ", expected an integer of 8 or 16 bits"));
}

absl::Status QuantizedElementType(ElementTypeContext& context) {
  DataType type = context.input(2);
  if (type == DataType::kUndefined) type = QuantizationAttributes(context.node()).output_dtype;
  if (type == DataType::kUndefined) type = DataType::kUint8;
  if (!IsSmallInteger(type)) return RefuseType(context.node(), type);
  context.set_all_outputs(type);
  return absl::OkStatus();
}

absl::Status DequantizedElementType(ElementTypeContext& context) {
  const DataType from = context.input(0);
  if (!IsSmallInteger(from) && from != DataType::kInt32) return RefuseType(context.node(), from);
  const DataType type = QuantizationAttributes(context.node()).output_dtype;
  context.set_all_outputs(type == DataType::kUndefined ? context.input(1) : type);
  return absl::OkStatus();
}

absl::StatusOr<QuantizationScale> ScaleOf(const Node& node, const Shape& tensor,
                                          const Shape& scale) {
  const QuantizationAttributes attributes(node);
  return QuantizationScale::Create(node, tensor, scale, attributes.axis, attributes.block_size);
}

absl::Status QuantizationShapes(ShapeContext& context) {
  STROP_RETURN_IF_ERROR(ScaleOf(context.node(), context.input(0), context.input(1)).status());
  if (context.has_input(2) && ElementCount(context.input(2)) != ElementCount(context.input(1))) {
    return context.Mismatch("a zero point of shape " + ShapeName(context.input(2)),
                            "the scale's " + ShapeName(context.input(1)));
  }
  return SameShapeAsInput0(context);
}

// ---- Kernels

// Calls make<From, To>() with the element types of input 0 and output 0.
template <typename Make>
absl::Status VisitBoth(const KernelRequest& request, const Make& make) {
  const std::string& what = request.node.op_type;
  return VisitNumeric(request.inputs[0].type, what, [&]<typename From>() {
    return VisitNumeric(request.outputs[0].type, what, [&]<typename To>() {
      if constexpr (!std::is_same_v<From, bool> && !std::is_same_v<To, bool>) {
        make.template operator()<From, To>();
      }
      return absl::OkStatus();
    });
  });
}

template <typename T>
ComputeType<T> Number(T element) {
  return static_cast<ComputeType<T>>(element);
}

// y[i] = convert(x[i], scale, zero point), in C.
template <typename From, typename To, typename C, typename Convert>
std::unique_ptr<Kernel> ScaledKernel(const KernelRequest& request, QuantizationScale scales,
                                     Convert convert) {
  const int64_t count = request.outputs[0].element_count();
  const DataType scale_type = request.inputs[1].type;
  const DataType zero_type = request.has_input(2) ? request.inputs[2].type : DataType::kUndefined;
  return MakeKernel([=](const KernelArguments& arguments) {
    const From* x = arguments.input<From>(0);
    To* y = arguments.output<To>(0);
    const void* scale = arguments.inputs[1];
    const void* zero = zero_type == DataType::kUndefined ? nullptr : arguments.inputs[2];
    ParallelFor(count, kElementwiseGrain, [&](int64_t begin, int64_t end) {
      scales.ForEachRun(begin, end, [&](int64_t first, int64_t length, int64_t index) {
        const C s = static_cast<C>(ReadElement(scale_type, scale, index));
        const C z = static_cast<C>(ReadZeroPoint(zero_type, zero, index));
        for (int64_t i = first; i < first + length; ++i) {
          y[i] = static_cast<To>(
              static_cast<ComputeType<To>>(convert(static_cast<C>(Number(x[i])), s, z)));
        }
      });
    });
    return absl::OkStatus();
  });
}

absl::StatusOr<std::unique_ptr<Kernel>> QuantizeGeneric(const KernelRequest& request) {
  STROP_ASSIGN_OR_RETURN(const QuantizationScale scales,
                         ScaleOf(request.node, request.inputs[0].shape, request.inputs[1].shape));
  std::unique_ptr<Kernel> kernel;
  STROP_RETURN_IF_ERROR(VisitBoth(request, [&]<typename From, typename To>() {
    // Whole numbers are divided in float, as the spec has it; double stays double.
    using C = std::conditional_t<std::is_same_v<From, double>, double, float>;
    if constexpr (std::is_integral_v<To>) {
      kernel = ScaledKernel<From, To, C>(request, scales, [](C x, C scale, C zero) {
        constexpr C kLowest = std::numeric_limits<To>::lowest();
        constexpr C kHighest = std::numeric_limits<To>::max();
        const C q = std::rint(x / scale) + zero;
        return q < kHighest ? (q > kLowest ? q : kLowest) : (q >= kHighest ? kHighest : zero);
      });
    }
  }));
  return kernel;
}

absl::StatusOr<std::unique_ptr<Kernel>> DequantizeGeneric(const KernelRequest& request) {
  STROP_ASSIGN_OR_RETURN(const QuantizationScale scales,
                         ScaleOf(request.node, request.inputs[0].shape, request.inputs[1].shape));
  std::unique_ptr<Kernel> kernel;
  STROP_RETURN_IF_ERROR(VisitBoth(request, [&]<typename From, typename To>() {
    if constexpr (std::is_integral_v<From> && !std::is_integral_v<To>) {
      // double holds every int32, so that large biases lose nothing before they are scaled.
      kernel = ScaledKernel<From, To, double>(
          request, scales, [](double q, double scale, double zero) { return (q - zero) * scale; });
    }
  }));
  return kernel;
}

// ---- Definitions

OpDefinition QuantizeLinear() {
  return {.name = "QuantizeLinear",
          .since_version = 25,
          .minimum_inputs = 2,
          .maximum_inputs = 3,
          .check_attributes = CheckPrecision,
          .element_types = QuantizedElementType,
          .shapes = QuantizationShapes,
          .differentiability = {Differentiability::kNotImplemented},
          .kernels = {QuantizeGeneric},
          .roles = {{1, "quantization scale", ConstantUse::kFrozen}}};
}

OpDefinition DequantizeLinear() {
  return {.name = "DequantizeLinear",
          .since_version = 25,
          .minimum_inputs = 2,
          .maximum_inputs = 3,
          .element_types = DequantizedElementType,
          .shapes = QuantizationShapes,
          .differentiability = {Differentiability::kNotImplemented},
          .kernels = {DequantizeGeneric},
          .roles = {{0, "quantized values", ConstantUse::kFrozen},
                    {1, "quantization scale", ConstantUse::kFrozen}}};
}

}  // namespace

const RegisteredFamily kQuantizeLinear = {"quantize_linear",
                                          {QuantizeLinear(), DequantizeLinear()}};

}  // namespace strop
