// OneHot-28: a new axis of extent `depth` at `axis`, values[1] where its coordinate is the index
// and values[0] elsewhere. Negative indices count from the back; one out of range has no on-value.
//
//   d(values) = OneHotValuesGradient(dy, indices) {axis}
//
//   OneHotValuesGradient(dY, indices)   [Σ dy − Σ dy at the indices, Σ dy at the indices]

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "graph/visit_type.h"
#include "ops/core/axes.h"
#include "ops/core/family.h"
#include "ops/kernels/parallel_for.h"
#include "ops/kernels/strided_copy.h"

namespace strop {
namespace {

// ---- Attributes

// Place of the new axis in a result of rank `rank`.
absl::StatusOr<size_t> NewAxis(const Node& node, int64_t rank) {
  STROP_ASSIGN_OR_RETURN(const int64_t axis, AxisOf(node, node.attributes.Int("axis", -1), rank));
  return static_cast<size_t>(axis);
}

// ---- Type rules

absl::Status OneHotType(ElementTypeContext& context) {
  context.set_output(0, context.input(2));
  return absl::OkStatus();
}

absl::Status OneHotShape(ShapeContext& context) {
  STROP_ASSIGN_OR_RETURN(const std::vector<double> depth, context.ConstantNumbers(1));
  if (depth.size() != 1 || !(depth[0] >= 0) || depth[0] > 1e15 || context.input(2) != Shape{2}) {
    return context.Mismatch("depth of " + ShapeName(context.input(1)) + " and values of shape " +
                                ShapeName(context.input(2)),
                            "one number ≥ 0 and values [off, on]");
  }
  STROP_ASSIGN_OR_RETURN(const size_t axis, NewAxis(context.node(), context.rank(0) + 1));
  Shape shape = context.input(0);
  shape.insert(shape.begin() + static_cast<std::ptrdiff_t>(axis), static_cast<int64_t>(depth[0]));
  context.set_output(0, std::move(shape));
  return absl::OkStatus();
}

absl::Status ValuesShape(ShapeContext& context) {
  context.set_output(0, {2});
  return absl::OkStatus();
}

// ---- Gradient rule

absl::Status OneHotGradient(GradientContext& context) {
  context.SetInputGradient(
      2, context.EmitStrop("OneHotValuesGradient", {context.output_gradient(0), context.input(0)},
                           context.node().attributes));
  return absl::OkStatus();
}

// ---- Kernels

// y seen as [outer, depth, inner]; the indices as [outer, inner].
struct OneHotLayout {
  int64_t outer;
  int64_t depth;
  int64_t inner;

  OneHotLayout(const Shape& y, size_t axis)
      : outer(ElementCount(absl::MakeSpan(y).first(axis))),
        depth(y[axis]),
        inner(ElementCount(absl::MakeSpan(y).subspan(axis + 1))) {}

  // Calls visit(element of y) for every index in range. Index types are any numbers.
  template <typename I, typename Visit>
  void ForEachOn(const I* indices, const Visit& visit) const {
    const auto bound = static_cast<double>(depth);
    for (int64_t i = 0; i < outer * inner; ++i) {
      const auto number = static_cast<double>(static_cast<ComputeType<I>>(indices[i]));
      if (!(number >= -bound && number < bound)) continue;
      int64_t index = static_cast<int64_t>(number);
      if (index < 0) index += depth;
      visit((i / inner * depth + index) * inner + i % inner);
    }
  }
};

// Moves elements as bytes of type T.
template <typename T, typename I>
std::unique_ptr<Kernel> OneHotKernel(const OneHotLayout& layout) {
  return MakeKernel([layout](const KernelArguments& arguments) {
    const T* values = arguments.input<T>(2);
    T* y = arguments.output<T>(0);
    std::fill_n(y, layout.outer * layout.depth * layout.inner, values[0]);
    layout.ForEachOn(arguments.input<I>(0), [&](int64_t element) { y[element] = values[1]; });
    return absl::OkStatus();
  });
}

absl::StatusOr<std::unique_ptr<Kernel>> OneHotGeneric(const KernelRequest& request) {
  STROP_ASSIGN_OR_RETURN(const size_t axis, NewAxis(request.node, request.outputs[0].rank()));
  STROP_ASSIGN_OR_RETURN(const size_t size, ElementSize(request.node, request.outputs[0].type));
  const OneHotLayout layout(request.outputs[0].shape, axis);
  std::unique_ptr<Kernel> kernel;
  STROP_RETURN_IF_ERROR(VisitNumeric(request.inputs[0].type, "OneHot", [&]<typename I>() {
    if (size == 1) kernel = OneHotKernel<uint8_t, I>(layout);
    if (size == 2) kernel = OneHotKernel<uint16_t, I>(layout);
    if (size == 4) kernel = OneHotKernel<uint32_t, I>(layout);
    if (size == 8) kernel = OneHotKernel<uint64_t, I>(layout);
    return absl::OkStatus();
  }));
  if (kernel == nullptr) {
    return absl::UnimplementedError(absl::StrCat(NodeLabel(request.node), ": found values of type ",
                                                 std::string(DataTypeName(request.outputs[0].type)),
                                                 ", expected a real number type"));
  }
  return kernel;
}

template <typename T, typename I>
std::unique_ptr<Kernel> ValuesGradientKernel(const OneHotLayout& layout) {
  return MakeKernel([layout](const KernelArguments& arguments) {
    using Compute = ComputeType<T>;
    const T* dy = arguments.input<T>(0);
    T* dvalues = arguments.output<T>(0);
    double all = 0;
    double on = 0;
    for (int64_t i = 0; i < layout.outer * layout.depth * layout.inner; ++i) {
      all += static_cast<double>(static_cast<Compute>(dy[i]));
    }
    layout.ForEachOn(arguments.input<I>(1), [&](int64_t element) {
      on += static_cast<double>(static_cast<Compute>(dy[element]));
    });
    dvalues[0] = static_cast<T>(static_cast<Compute>(all - on));
    dvalues[1] = static_cast<T>(static_cast<Compute>(on));
    return absl::OkStatus();
  });
}

absl::StatusOr<std::unique_ptr<Kernel>> ValuesGradientGeneric(const KernelRequest& request) {
  STROP_ASSIGN_OR_RETURN(const size_t axis, NewAxis(request.node, request.inputs[0].rank()));
  const OneHotLayout layout(request.inputs[0].shape, axis);
  std::unique_ptr<Kernel> kernel;
  STROP_RETURN_IF_ERROR(VisitFloating(request.inputs[0].type, "OneHot", [&]<typename T>() {
    return VisitNumeric(request.inputs[1].type, "OneHot", [&]<typename I>() {
      kernel = ValuesGradientKernel<T, I>(layout);
      return absl::OkStatus();
    });
  }));
  return kernel;
}

}  // namespace

// ---- Definitions

const RegisteredFamily kOneHot = {"one_hot",
                                  {
                                      {.name = "OneHot",
                                       .since_version = 28,
                                       .minimum_inputs = 3,
                                       .maximum_inputs = 3,
                                       .element_types = OneHotType,
                                       .shapes = OneHotShape,
                                       .differentiability = {Differentiability::kNotDifferentiable,
                                                             Differentiability::kNotDifferentiable,
                                                             Differentiability::kDifferentiable},
                                       .gradient = OneHotGradient,
                                       .kernels = {OneHotGeneric}},
                                      {.name = "OneHotValuesGradient",
                                       .domain = kStropDomain,
                                       .minimum_inputs = 2,
                                       .maximum_inputs = 2,
                                       .shapes = ValuesShape,
                                       .differentiability = {Differentiability::kNotImplemented,
                                                             Differentiability::kNotDifferentiable},
                                       .kernels = {ValuesGradientGeneric}},
                                  }};

}  // namespace strop
