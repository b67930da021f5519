// Powers and remainders. Operands broadcast as in NumPy.
//
//   Pow-15  y = a^b        da = b = 0 ? 0 : dy·b·a^(b−1)
//                          db = a = 0 and b ≥ 0 ? 0 : dy·y·ln a
//     the exponent may be of another type than the base, whose type y has
//   Mod-28  y = a − b·q    da = dy, db = −dy·q
//     q = trunc(a/b) with fmod = 1 (the remainder has a's sign), else ⌊a/b⌋ (it has b's)
//
// Integers wrap around; a remainder by zero is 0, a negative power of an integer truncates.

#include <cmath>

#include "ops/core/family.h"
#include "ops/kernels/elementwise.h"

namespace strop {
namespace {

// ---- Attributes

struct ModAttributes {
  bool truncates;
  explicit ModAttributes(const Node& node) : truncates(node.attributes.Int("fmod", 0) != 0) {}
};

// ---- Type rules

absl::Status PowElementTypes(ElementTypeContext& context) {
  for (const size_t i : {0, 1}) {
    if (!IsFloating(context.input(i)) && !IsInteger(context.input(i))) {
      return absl::InvalidArgumentError(
          absl::StrCat(NodeLabel(context.node()), ": input ", i, " is ",
                       std::string(DataTypeName(context.input(i))), ", expected numbers"));
    }
  }
  return SameElementTypeAsInput0(context);
}

// ---- Gradient rules

// The formulas run in the base's type; an exponent of another type is cast there and back.
absl::Status PowGradient(GradientContext& context) {
  const ValueId dy = context.output_gradient(0);
  const ValueId a = context.input(0);
  const DataType type = context.element_type(dy);
  const DataType exponent_type = context.element_type(context.input(1));
  const auto cast = [&](ValueId value, DataType to) {
    if (type == exponent_type) return value;
    return context.Emit("Cast", {value}, {{"to", static_cast<int64_t>(to)}});
  };
  const ValueId b = cast(context.input(1), type);
  if (context.needs_gradient(0)) {
    context.SetInputGradient(0, context.EmitStrop("PowBaseGradient", {dy, a, b}));
  }
  if (!context.needs_gradient(1)) return absl::OkStatus();
  const ValueId db = context.EmitStrop("PowExponentGradient", {dy, a, b});
  context.SetInputGradient(1, cast(db, exponent_type));
  return absl::OkStatus();
}

absl::Status ModGradient(GradientContext& context) {
  const ValueId dy = context.output_gradient(0);
  if (context.needs_gradient(0)) context.SetInputGradient(0, dy);
  if (context.needs_gradient(1)) {
    context.SetInputGradient(
        1, context.EmitStrop("ModDivisorGradient", {dy, context.input(0), context.input(1)},
                             context.node().attributes));
  }
  return absl::OkStatus();
}

// ---- Kernels

template <typename T>
T IntegerPower(T base, T exponent) {
  if (exponent < 0) {
    if (base == 1) return 1;
    if (base == static_cast<T>(-1)) return exponent % 2 == 0 ? 1 : base;
    return 0;
  }
  T power = 1;
  for (; exponent > 0; exponent /= 2) {
    if (exponent % 2 != 0) power = MulFunction()(power, base);
    base = MulFunction()(base, base);
  }
  return power;
}

struct PowFunction {
  template <typename T>
  T operator()(T a, T b) const {
    if constexpr (std::is_integral_v<T>) return IntegerPower(a, b);
    // The exponents of variances and of GELU's cube, where the library call would cost the most.
    if (b == 2) return a * a;
    if (b == 3) return a * a * a;
    if (b == T(0.5)) return std::sqrt(a);
    return std::pow(a, b);
  }
};

// An exponent of element type E beside a base of type T, computed in double.
template <typename T, typename E>
std::unique_ptr<Kernel> MakeMixedPowKernel(const KernelRequest& request) {
  return MakeKernel([walk = WalkOf(request)](const KernelArguments& arguments) {
    walk.ParallelForEachRow(kElementwiseGrain, [&](const BroadcastWalk::Row& row) {
      const T* a = arguments.input<T>(0) + row.offsets[0];
      const E* b = arguments.input<E>(1) + row.offsets[1];
      T* y = arguments.output<T>(0) + row.begin;
      for (int64_t i = 0; i < row.count; ++i) {
        const auto base = static_cast<ComputeType<T>>(a[i * walk.inner_step(0)]);
        const auto exponent = static_cast<ComputeType<E>>(b[i * walk.inner_step(1)]);
        y[i] = static_cast<T>(static_cast<ComputeType<T>>(
            std::pow(static_cast<double>(base), static_cast<double>(exponent))));
      }
    });
    return absl::OkStatus();
  });
}

absl::StatusOr<std::unique_ptr<Kernel>> PowGeneric(const KernelRequest& request) {
  if (request.inputs[0].type == request.inputs[1].type) {
    return NumericBinaryKernel(request, PowFunction());
  }
  std::unique_ptr<Kernel> kernel;
  const std::string& what = request.node.op_type;
  const absl::Status status = VisitNumeric(request.inputs[0].type, what, [&]<typename T>() {
    return VisitNumeric(request.inputs[1].type, what, [&]<typename E>() {
      kernel = MakeMixedPowKernel<T, E>(request);
      return absl::OkStatus();
    });
  });
  if (!status.ok()) return status;
  return kernel;
}

absl::StatusOr<std::unique_ptr<Kernel>> PowBaseGradientGeneric(const KernelRequest& request) {
  return TernaryKernel(request, []<typename T>(T dy, T a, T b) {
    return b == 0 ? T{0} : dy * b * PowFunction()(a, b - 1);
  });
}

absl::StatusOr<std::unique_ptr<Kernel>> PowExponentGradientGeneric(const KernelRequest& request) {
  return TernaryKernel(request, []<typename T>(T dy, T a, T b) {
    return a == 0 && b >= 0 ? T{0} : dy * PowFunction()(a, b) * std::log(a);
  });
}

struct ModFunction {
  bool truncates;
  template <typename T>
  T operator()(T a, T b) const {
    if constexpr (std::is_integral_v<T>) {
      // The least integer divided by −1 overflows; its remainder is 0 like any other's.
      if (b == 0 || (std::is_signed_v<T> && b == static_cast<T>(-1))) return 0;
      const T remainder = static_cast<T>(a % b);
      const bool shifts = !truncates && remainder != 0 && (remainder < 0) != (b < 0);
      return shifts ? static_cast<T>(remainder + b) : remainder;
    } else {
      const T remainder = std::fmod(a, b);
      const bool shifts = !truncates && remainder != 0 && (remainder < 0) != (b < 0);
      return shifts ? remainder + b : remainder;
    }
  }
};

absl::StatusOr<std::unique_ptr<Kernel>> ModGeneric(const KernelRequest& request) {
  return NumericBinaryKernel(request, ModFunction{ModAttributes(request.node).truncates});
}

absl::StatusOr<std::unique_ptr<Kernel>> ModDivisorGradientGeneric(const KernelRequest& request) {
  const bool truncates = ModAttributes(request.node).truncates;
  return TernaryKernel(request, [truncates](auto dy, auto a, auto b) {
    return -dy * (truncates ? std::trunc(a / b) : std::floor(a / b));
  });
}

// ---- Definitions

OpDefinition Binary(std::string_view name, int since_version,
                    absl::Status (*element_types)(ElementTypeContext&),
                    absl::Status (*gradient)(GradientContext&), KernelFactory generic) {
  return {.name = name,
          .since_version = since_version,
          .minimum_inputs = 2,
          .maximum_inputs = 2,
          .element_types = element_types,
          .shapes = BroadcastShape,
          .differentiability = {Differentiability::kDifferentiable},
          .gradient = gradient,
          .kernels = {generic},
          .broadcasts = true,
          .in_place = {{0, 0}, {1, 0}}};
}

OpDefinition TernaryGradient(std::string_view name, KernelFactory generic) {
  return {.name = name,
          .domain = kStropDomain,
          .minimum_inputs = 3,
          .maximum_inputs = 3,
          .element_types = MatchingElementTypes,
          .shapes = BroadcastShape,
          .differentiability = {Differentiability::kNotImplemented},
          .kernels = {generic},
          .in_place = {{0, 0}}};
}

}  // namespace

const RegisteredFamily kPower = {
    "power",
    {
        Binary("Pow", 15, PowElementTypes, PowGradient, PowGeneric),
        TernaryGradient("PowBaseGradient", PowBaseGradientGeneric),
        TernaryGradient("PowExponentGradient", PowExponentGradientGeneric),
        Binary("Mod", 28, MatchingNumbers, ModGradient, ModGeneric),
        TernaryGradient("ModDivisorGradient", ModDivisorGradientGeneric),
    }};

}  // namespace strop
