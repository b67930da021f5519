// Conversion between element types.
//
//   Cast-28      y = x in the type `to`                 dx = dy in x's type
//   CastLike-25  y = x in target_type's element type    dx = dy in x's type
//
// Into integers: toward zero, modulo 2^bits. What does not fit into 64 bits takes the nearest value
// that does, and NaN gives 0 (the spec leaves both open). Into bool: x ≠ 0. `saturate` and
// `round_mode` concern 8-bit floating types only, which are not supported yet.

#include <limits>

#include "ops/core/family.h"
#include "ops/kernels/elementwise.h"

namespace strop {
namespace {

// ---- Attributes

struct CastAttributes {
  DataType to;
  explicit CastAttributes(const Node& node)
      : to(static_cast<DataType>(node.attributes.Int("to", 0))) {}
};

// ---- Type rule

bool IsConvertible(DataType type) {
  return IsFloating(type) || IsInteger(type) || type == DataType::kBool;
}

absl::Status ConvertedElementType(ElementTypeContext& context, DataType to) {
  const DataType from = context.input(0);
  if (!IsConvertible(from) || !IsConvertible(to)) {
    return absl::UnimplementedError(
        absl::StrCat(NodeLabel(context.node()), ": converts ", std::string(DataTypeName(from)),
                     " to ", std::string(DataTypeName(to)),
                     ", expected floating types, integers or bool of 8 bits and more"));
  }
  context.set_all_outputs(to);
  return absl::OkStatus();
}

absl::Status CastElementTypes(ElementTypeContext& context) {
  return ConvertedElementType(context, CastAttributes(context.node()).to);
}

absl::Status CastLikeElementTypes(ElementTypeContext& context) {
  return ConvertedElementType(context, context.input(1));
}

// ---- Gradient rule

absl::Status CastBack(GradientContext& context) {
  if (!context.needs_gradient(0)) return absl::OkStatus();
  const DataType type = context.element_type(context.input(0));
  if (!IsFloating(type)) {
    context.SetZeroGradient(0);
    return absl::OkStatus();
  }
  const ValueId dy = context.output_gradient(0);
  context.SetInputGradient(
      0, context.element_type(dy) == type
             ? dy
             : context.Emit("Cast", {dy}, {{"to", int64_t{static_cast<int>(type)}}}));
  return absl::OkStatus();
}

// ---- Kernel

// Out of range, C++ leaves the conversion of floating numbers to integers undefined.
template <typename To, typename From>
To ToInteger(From x) {
  constexpr From kTwoTo63 = static_cast<From>(9223372036854775808.0);
  if (x != x) return 0;
  if (x >= kTwoTo63) {
    if constexpr (std::is_same_v<To, uint64_t>) {
      return x < 2 * kTwoTo63 ? static_cast<uint64_t>(x) : std::numeric_limits<uint64_t>::max();
    }
    return static_cast<To>(std::numeric_limits<int64_t>::max());
  }
  if (x < -kTwoTo63) return static_cast<To>(std::numeric_limits<int64_t>::min());
  return static_cast<To>(static_cast<int64_t>(x));
}

template <typename To, typename From>
To Convert(From element) {
  const auto x = static_cast<ComputeType<From>>(element);
  using Wide = std::remove_const_t<decltype(x)>;
  if constexpr (std::is_floating_point_v<Wide> && std::is_integral_v<To> &&
                !std::is_same_v<To, bool>) {
    return ToInteger<To>(x);
  } else if constexpr (std::is_same_v<To, bool>) {
    return x != Wide{0};
  } else {
    return static_cast<To>(static_cast<ComputeType<To>>(x));
  }
}

// A byte of a bool tensor need not be 0 or 1 when it comes from a file, so it is read as a number.
template <typename T>
using Stored = std::conditional_t<std::is_same_v<T, bool>, uint8_t, T>;

template <typename From, typename To>
void ConvertRange(const void* from, void* to, int64_t begin, int64_t end) {
  const auto* x = static_cast<const Stored<From>*>(from);
  To* y = static_cast<To*>(to);
  for (int64_t i = begin; i < end; ++i) {
    if constexpr (std::is_same_v<From, bool>) {
      y[i] = Convert<To>(x[i] != 0);
    } else {
      y[i] = Convert<To>(x[i]);
    }
  }
}

using RangeConverter = void (*)(const void* from, void* to, int64_t begin, int64_t end);

absl::StatusOr<std::unique_ptr<Kernel>> CastGeneric(const KernelRequest& request) {
  RangeConverter convert = nullptr;
  const std::string& what = request.node.op_type;
  const absl::Status status = VisitNumeric(request.inputs[0].type, what, [&]<typename From>() {
    return VisitNumeric(request.outputs[0].type, what, [&]<typename To>() {
      convert = ConvertRange<From, To>;
      return absl::OkStatus();
    });
  });
  if (!status.ok()) return status;
  const int64_t count = request.outputs[0].element_count();
  return MakeKernel([convert, count](const KernelArguments& arguments) {
    ParallelFor(count, kElementwiseGrain, [&](int64_t begin, int64_t end) {
      convert(arguments.inputs[0], arguments.outputs[0], begin, end);
    });
    return absl::OkStatus();
  });
}

// ---- Definitions

OpDefinition Cast() {
  return {.name = "Cast",
          .since_version = 28,
          .element_types = CastElementTypes,
          .differentiability = {Differentiability::kDifferentiable},
          .gradient = CastBack,
          .kernels = {CastGeneric},
          .in_place = {{0, 0}},
          .is_cast = true};
}

OpDefinition CastLike() {
  OpDefinition definition = Cast();
  definition.name = "CastLike";
  definition.since_version = 25;
  definition.minimum_inputs = 2;
  definition.maximum_inputs = 2;
  definition.element_types = CastLikeElementTypes;
  definition.differentiability = {Differentiability::kDifferentiable,
                                  Differentiability::kNotDifferentiable};
  definition.input_use = {InputUse::kElements, InputUse::kShapeOnly};
  return definition;
}

}  // namespace

const RegisteredFamily kCast = {"cast", {Cast(), CastLike()}};

}  // namespace strop
