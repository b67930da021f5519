// Comparisons, logic, and the choice between tensors. Operands broadcast as in NumPy.
//
//   Equal-19, Less-13, LessOrEqual-16, Greater-13, GreaterOrEqual-16   bool
//   And-7, Or-7, Xor-7, Not-1                                          of bools
//   BitwiseAnd-18, BitwiseOr-18, BitwiseXor-18, BitwiseNot-18          of integers
//   IsNaN-20, IsInf-20                                                 bool
//   Where-16   y = c ? a : b      da = c ? dy : 0, db = c ? 0 : dy
//
// A byte of a bool tensor need not be 0 or 1 when it comes from a file, so it is read as a number.

#include <cmath>
#include <functional>

#include "graph/status_macros.h"
#include "ops/core/family.h"
#include "ops/kernels/elementwise.h"

namespace strop {
namespace {

// ---- Attributes

struct IsInfAttributes {
  bool detect_negative;
  bool detect_positive;
  explicit IsInfAttributes(const Node& node)
      : detect_negative(node.attributes.Int("detect_negative", 1) != 0),
        detect_positive(node.attributes.Int("detect_positive", 1) != 0) {}
};

// ---- Type rules

absl::Status ComparisonElementTypes(ElementTypeContext& context) {
  STROP_RETURN_IF_ERROR(MatchingElementTypes(context));
  return BoolElementType(context);
}

absl::Status Expected(const Node& node, DataType found, const std::string& expected) {
  return absl::InvalidArgumentError(absl::StrCat(
      NodeLabel(node), ": found ", std::string(DataTypeName(found)), ", expected ", expected));
}

absl::Status LogicElementTypes(ElementTypeContext& context) {
  if (context.input(0) != DataType::kBool) {
    return Expected(context.node(), context.input(0), "bool");
  }
  return MatchingElementTypes(context);
}

absl::Status BitwiseElementTypes(ElementTypeContext& context) {
  if (!IsInteger(context.input(0))) {
    return Expected(context.node(), context.input(0), "integers");
  }
  return MatchingElementTypes(context);
}

absl::Status WhereElementTypes(ElementTypeContext& context) {
  if (context.input(0) != DataType::kBool) {
    return Expected(context.node(), context.input(0), "a bool condition");
  }
  if (context.input(1) != context.input(2)) {
    return Expected(context.node(), context.input(2),
                    "input 1's type, " + std::string(DataTypeName(context.input(1))));
  }
  context.set_all_outputs(context.input(1));
  return absl::OkStatus();
}

// ---- Gradient rule

absl::Status WhereGradient(GradientContext& context) {
  const ValueId dy = context.output_gradient(0);
  const ValueId condition = context.input(0);
  const ValueId zero = context.Scalar(0.0, dy);
  if (context.needs_gradient(1)) {
    context.SetInputGradient(1, context.Emit("Where", {condition, dy, zero}));
  }
  if (context.needs_gradient(2)) {
    context.SetInputGradient(2, context.Emit("Where", {condition, zero, dy}));
  }
  return absl::OkStatus();
}

// ---- Kernels

template <typename Function>
absl::StatusOr<std::unique_ptr<Kernel>> ComparisonGeneric(const KernelRequest& request) {
  std::unique_ptr<Kernel> kernel;
  const absl::Status status =
      VisitNumeric(request.inputs[0].type, request.node.op_type, [&]<typename T>() {
        if constexpr (std::is_same_v<T, bool>) {
          kernel = MakeBinaryKernel<uint8_t, uint8_t>(
              request, [](uint8_t a, uint8_t b) { return Function()(a != 0, b != 0); });
        } else {
          kernel = MakeBinaryKernel<T, bool>(request, Function());
        }
        return absl::OkStatus();
      });
  if (!status.ok()) return status;
  return kernel;
}

template <typename Function>
absl::StatusOr<std::unique_ptr<Kernel>> BitwiseGeneric(const KernelRequest& request) {
  std::unique_ptr<Kernel> kernel;
  const absl::Status status =
      VisitNumeric(request.inputs[0].type, request.node.op_type, [&]<typename T>() {
        if constexpr (std::is_integral_v<T>) kernel = MakeBinaryKernel<T, T>(request, Function());
        return absl::OkStatus();
      });
  if (!status.ok()) return status;
  return kernel;
}

absl::StatusOr<std::unique_ptr<Kernel>> BitwiseNotGeneric(const KernelRequest& request) {
  std::unique_ptr<Kernel> kernel;
  const absl::Status status =
      VisitNumeric(request.inputs[0].type, request.node.op_type, [&]<typename T>() {
        if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
          kernel = MakeUnaryKernel<T, T>(request, std::bit_not<T>());
        }
        return absl::OkStatus();
      });
  if (!status.ok()) return status;
  return kernel;
}

absl::StatusOr<std::unique_ptr<Kernel>> NotGeneric(const KernelRequest& request) {
  return MakeUnaryKernel<uint8_t, uint8_t>(request, [](uint8_t x) { return x == 0; });
}

template <typename Function>
absl::StatusOr<std::unique_ptr<Kernel>> FloatingTest(const KernelRequest& request,
                                                     Function function) {
  std::unique_ptr<Kernel> kernel;
  const absl::Status status =
      VisitFloating(request.inputs[0].type, request.node.op_type, [&]<typename T>() {
        kernel = MakeUnaryKernel<T, bool>(request, function);
        return absl::OkStatus();
      });
  if (!status.ok()) return status;
  return kernel;
}

absl::StatusOr<std::unique_ptr<Kernel>> IsNaNGeneric(const KernelRequest& request) {
  return FloatingTest(request, [](auto x) { return std::isnan(x); });
}

absl::StatusOr<std::unique_ptr<Kernel>> IsInfGeneric(const KernelRequest& request) {
  return FloatingTest(request, [attributes = IsInfAttributes(request.node)](auto x) {
    return std::isinf(x) && (x < 0 ? attributes.detect_negative : attributes.detect_positive);
  });
}

// y = condition ? a : b along a row; a broadcast operand steps by 0. Both are always read, which
// lets the compiler blend vectors.
template <typename T>
void ChooseRow(const uint8_t* condition, int64_t condition_step, const T* a, int64_t a_step,
               const T* b, int64_t b_step, T* y, int64_t count) {
  if (condition_step == 0) {
    const T* chosen = *condition != 0 ? a : b;
    const int64_t step = *condition != 0 ? a_step : b_step;
    for (int64_t i = 0; i < count; ++i) y[i] = chosen[i * step];
  } else if (a_step == 1 && b_step == 1) {
    for (int64_t i = 0; i < count; ++i) {
      const T from_a = a[i];
      const T from_b = b[i];
      y[i] = condition[i] != 0 ? from_a : from_b;
    }
  } else if (a_step == 1) {
    const T from_b = *b;
    for (int64_t i = 0; i < count; ++i) {
      const T from_a = a[i];
      y[i] = condition[i] != 0 ? from_a : from_b;
    }
  } else {
    const T from_a = *a;
    for (int64_t i = 0; i < count; ++i) {
      const T from_b = b[i * b_step];
      y[i] = condition[i] != 0 ? from_a : from_b;
    }
  }
}

// Moves elements of T's size, whatever they mean.
template <typename T>
std::unique_ptr<Kernel> MakeWhereKernel(const KernelRequest& request) {
  return MakeKernel([walk = WalkOf(request)](const KernelArguments& arguments) {
    walk.ParallelForEachRow(kElementwiseGrain, [&](const BroadcastWalk::Row& row) {
      ChooseRow(arguments.input<uint8_t>(0) + row.offsets[0], walk.inner_step(0),
                arguments.input<T>(1) + row.offsets[1], walk.inner_step(1),
                arguments.input<T>(2) + row.offsets[2], walk.inner_step(2),
                arguments.output<T>(0) + row.begin, row.count);
    });
    return absl::OkStatus();
  });
}

absl::StatusOr<std::unique_ptr<Kernel>> WhereGeneric(const KernelRequest& request) {
  switch (BitsPerElement(request.outputs[0].type)) {
    case 8:
      return MakeWhereKernel<uint8_t>(request);
    case 16:
      return MakeWhereKernel<uint16_t>(request);
    case 32:
      return MakeWhereKernel<uint32_t>(request);
    case 64:
      return MakeWhereKernel<uint64_t>(request);
    default:
      return Expected(request.node, request.outputs[0].type, "a type of 8 to 64 bits");
  }
}

// ---- Definitions

OpDefinition Binary(std::string_view name, int since_version,
                    absl::Status (*element_types)(ElementTypeContext&), KernelFactory generic) {
  return {.name = name,
          .since_version = since_version,
          .minimum_inputs = 2,
          .maximum_inputs = 2,
          .element_types = element_types,
          .shapes = BroadcastShape,
          .kernels = {generic},
          .broadcasts = true,
          .in_place = {{0, 0}, {1, 0}}};
}

template <typename Function>
OpDefinition Comparison(std::string_view name, int since_version) {
  return Binary(name, since_version, ComparisonElementTypes, ComparisonGeneric<Function>);
}

template <typename Function>
OpDefinition Logic(std::string_view name) {
  return Binary(name, 7, LogicElementTypes, ComparisonGeneric<Function>);
}

template <typename Function>
OpDefinition Bitwise(std::string_view name) {
  return Binary(name, 18, BitwiseElementTypes, BitwiseGeneric<Function>);
}

OpDefinition Test(std::string_view name, int since_version,
                  absl::Status (*element_types)(ElementTypeContext&), KernelFactory generic) {
  return {.name = name,
          .since_version = since_version,
          .element_types = element_types,
          .kernels = {generic},
          .in_place = {{0, 0}}};
}

OpDefinition Where() {
  return {.name = "Where",
          .since_version = 16,
          .minimum_inputs = 3,
          .maximum_inputs = 3,
          .element_types = WhereElementTypes,
          .shapes = BroadcastShape,
          .differentiability = {Differentiability::kNotDifferentiable,
                                Differentiability::kDifferentiable},
          .gradient = WhereGradient,
          .kernels = {WhereGeneric},
          .broadcasts = true,
          .in_place = {{1, 0}, {2, 0}}};
}

}  // namespace

const RegisteredFamily kComparison = {
    "comparison",
    {
        Comparison<std::equal_to<>>("Equal", 19),
        Comparison<std::less<>>("Less", 13),
        Comparison<std::less_equal<>>("LessOrEqual", 16),
        Comparison<std::greater<>>("Greater", 13),
        Comparison<std::greater_equal<>>("GreaterOrEqual", 16),
        Logic<std::logical_and<>>("And"),
        Logic<std::logical_or<>>("Or"),
        Logic<std::not_equal_to<>>("Xor"),
        Test("Not", 1, LogicElementTypes, NotGeneric),
        Bitwise<std::bit_and<>>("BitwiseAnd"),
        Bitwise<std::bit_or<>>("BitwiseOr"),
        Bitwise<std::bit_xor<>>("BitwiseXor"),
        Test("BitwiseNot", 18, BitwiseElementTypes, BitwiseNotGeneric),
        Test("IsNaN", 20, BoolElementType, IsNaNGeneric),
        Test("IsInf", 20, BoolElementType, IsInfGeneric),
        Where(),
    }};

}  // namespace strop
