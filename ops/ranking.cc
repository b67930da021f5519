// Largest and smallest elements along one axis, by place.
//
//   ArgMax-13, ArgMin-13   place of the extremum; the first of equals, or the last with
//                          select_last_index
//   TopK-24                the K largest (smallest) elements in order, and their places; of equals
//                          the first. dx = GatherElementsGradient(d values, x, places)
//
// NaN counts as the largest number of all, as in PyTorch.

#include <algorithm>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "graph/visit_type.h"
#include "ops/core/axes.h"
#include "ops/core/family.h"
#include "ops/kernels/parallel_for.h"

namespace strop {
namespace {

// A strict order in which NaN comes after everything else.
template <typename T>
bool IsLess(T a, T b) {
  const auto x = static_cast<ComputeType<T>>(a);
  const auto y = static_cast<ComputeType<T>>(b);
  if (x != x) return false;
  return y != y || x < y;
}

// ---- Attributes

struct ArgAttributes {
  int64_t axis;
  bool keep_dimensions;
  bool last_of_equals;

  explicit ArgAttributes(const Node& node)
      : axis(node.attributes.Int("axis", 0)),
        keep_dimensions(node.attributes.Int("keepdims", 1) != 0),
        last_of_equals(node.attributes.Int("select_last_index", 0) != 0) {}
};

struct TopKAttributes {
  int64_t axis;
  bool largest;

  explicit TopKAttributes(const Node& node)
      : axis(node.attributes.Int("axis", -1)), largest(node.attributes.Int("largest", 1) != 0) {}
};

// ---- Type rules

absl::Status ArgShape(ShapeContext& context) {
  const ArgAttributes attributes(context.node());
  STROP_ASSIGN_OR_RETURN(const int64_t axis,
                         AxisOf(context.node(), attributes.axis, context.rank(0)));
  Shape shape = context.input(0);
  if (shape[static_cast<size_t>(axis)] == 0) {
    return context.Mismatch("an input of shape " + ShapeName(shape),
                            absl::StrCat("elements along axis ", axis));
  }
  if (attributes.keep_dimensions) {
    shape[static_cast<size_t>(axis)] = 1;
  } else {
    shape.erase(shape.begin() + axis);
  }
  context.set_output(0, std::move(shape));
  return absl::OkStatus();
}

absl::Status TopKTypes(ElementTypeContext& context) {
  context.set_output(0, context.input(0));
  context.set_output(1, DataType::kInt64);
  return absl::OkStatus();
}

absl::Status TopKShape(ShapeContext& context) {
  STROP_ASSIGN_OR_RETURN(
      const int64_t counted,
      AxisOf(context.node(), TopKAttributes(context.node()).axis, context.rank(0)));
  STROP_ASSIGN_OR_RETURN(const std::vector<int64_t> k, context.ConstantIntegers(1));
  const auto axis = static_cast<size_t>(counted);
  Shape shape = context.input(0);
  if (k.size() != 1 || k[0] < 0 || k[0] > shape[axis]) {
    return context.Mismatch("K " + ShapeName(k),
                            absl::StrCat("one number in [0,", shape[axis], "]"));
  }
  shape[axis] = k[0];
  context.set_output(0, shape);
  context.set_output(1, std::move(shape));
  return absl::OkStatus();
}

// ---- Gradient rule

absl::Status TopKGradient(GradientContext& context) {
  if (context.output_gradient(0) == kNoValue) {
    context.SetZeroGradient(0);
    return absl::OkStatus();
  }
  context.SetInputGradient(
      0, context.EmitStrop("GatherElementsGradient",
                           {context.output_gradient(0), context.input(0), context.output(1)},
                           {{"axis", TopKAttributes(context.node()).axis}}));
  return absl::OkStatus();
}

// ---- Kernels

// The lines of a dense tensor along one axis: element i of line l is start(l) + i·inner.
struct AxisLines {
  int64_t length;
  int64_t inner;
  int64_t count;

  AxisLines(const Shape& shape, size_t axis)
      : length(shape[axis]),
        inner(ElementCount(absl::MakeSpan(shape).subspan(axis + 1))),
        count(inner * ElementCount(absl::MakeSpan(shape).first(axis))) {}

  // Of a tensor that has `extent` elements along the axis.
  int64_t start(int64_t line, int64_t extent) const {
    return line / inner * inner * extent + line % inner;
  }

  template <typename Visit>
  void ForEach(const Visit& visit) const {
    ParallelFor(count, std::max<int64_t>(1, 8192 / std::max<int64_t>(1, length)),
                [&](int64_t begin, int64_t end) {
                  for (int64_t line = begin; line < end; ++line) visit(line);
                });
  }
};

template <typename T, bool kLargest>
std::unique_ptr<Kernel> ArgKernel(const AxisLines& lines, bool last_of_equals) {
  return MakeKernel([lines, last_of_equals](const KernelArguments& arguments) {
    const T* x = arguments.input<T>(0);
    auto* y = arguments.output<int64_t>(0);
    lines.ForEach([&](int64_t line) {
      const T* elements = x + lines.start(line, lines.length);
      int64_t best = 0;
      for (int64_t i = 1; i < lines.length; ++i) {
        const T candidate = elements[i * lines.inner];
        const T held = elements[best * lines.inner];
        const bool better = kLargest ? IsLess(held, candidate) : IsLess(candidate, held);
        const bool worse = kLargest ? IsLess(candidate, held) : IsLess(held, candidate);
        if (better || (last_of_equals && !worse)) best = i;
      }
      y[line] = best;
    });
    return absl::OkStatus();
  });
}

template <bool kLargest>
absl::StatusOr<std::unique_ptr<Kernel>> ArgGeneric(const KernelRequest& request) {
  const TensorDescription& x = request.inputs[0];
  const ArgAttributes attributes(request.node);
  STROP_ASSIGN_OR_RETURN(const int64_t axis, AxisOf(request.node, attributes.axis, x.rank()));
  const AxisLines lines(x.shape, static_cast<size_t>(axis));
  std::unique_ptr<Kernel> kernel;
  STROP_RETURN_IF_ERROR(VisitNumeric(x.type, request.node.op_type, [&]<typename T>() {
    kernel = ArgKernel<T, kLargest>(lines, attributes.last_of_equals);
    return absl::OkStatus();
  }));
  return kernel;
}

// The workspace holds the places of every line's elements, to be ordered.
template <typename T>
std::unique_ptr<Kernel> TopKKernel(const AxisLines& lines, int64_t k, bool largest) {
  return MakeKernel(
      [lines, k, largest](const KernelArguments& arguments) {
        const T* x = arguments.input<T>(0);
        T* values = arguments.output<T>(0);
        auto* indices = arguments.output<int64_t>(1);
        auto* places = static_cast<int64_t*>(arguments.workspace);
        lines.ForEach([&](int64_t line) {
          const T* elements = x + lines.start(line, lines.length);
          int64_t* order = places + line * lines.length;
          std::iota(order, order + lines.length, int64_t{0});
          const auto comes_first = [&](int64_t i, int64_t j) {
            const T a = elements[i * lines.inner];
            const T b = elements[j * lines.inner];
            if (largest ? IsLess(b, a) : IsLess(a, b)) return true;
            if (largest ? IsLess(a, b) : IsLess(b, a)) return false;
            return i < j;
          };
          std::partial_sort(order, order + k, order + lines.length, comes_first);
          const int64_t start = lines.start(line, k);
          for (int64_t i = 0; i < k; ++i) {
            if (values != nullptr) {
              values[start + i * lines.inner] = elements[order[i] * lines.inner];
            }
            if (indices != nullptr) indices[start + i * lines.inner] = order[i];
          }
        });
        return absl::OkStatus();
      },
      static_cast<size_t>(lines.count * lines.length) * sizeof(int64_t));
}

absl::StatusOr<std::unique_ptr<Kernel>> TopKGeneric(const KernelRequest& request) {
  const TensorDescription& x = request.inputs[0];
  const TopKAttributes attributes(request.node);
  STROP_ASSIGN_OR_RETURN(const int64_t axis, AxisOf(request.node, attributes.axis, x.rank()));
  STROP_ASSIGN_OR_RETURN(const std::vector<int64_t> k, ConstantIntegers(request, 1));
  const AxisLines lines(x.shape, static_cast<size_t>(axis));
  std::unique_ptr<Kernel> kernel;
  STROP_RETURN_IF_ERROR(VisitNumeric(x.type, request.node.op_type, [&]<typename T>() {
    kernel = TopKKernel<T>(lines, k[0], attributes.largest);
    return absl::OkStatus();
  }));
  return kernel;
}

// ---- Definitions

OpDefinition ArgExtremum(std::string_view name, KernelFactory generic) {
  return {.name = name,
          .since_version = 13,
          .element_types = Int64ElementType,
          .shapes = ArgShape,
          .kernels = {generic}};
}

}  // namespace

const RegisteredFamily kRanking = {
    "ranking",
    {
        ArgExtremum("ArgMax", ArgGeneric<true>),
        ArgExtremum("ArgMin", ArgGeneric<false>),
        {.name = "TopK",
         .since_version = 24,
         .minimum_inputs = 2,
         .maximum_inputs = 2,
         .maximum_outputs = 2,
         .element_types = TopKTypes,
         .shapes = TopKShape,
         .differentiability = {Differentiability::kDifferentiable,
                               Differentiability::kNotDifferentiable},
         .gradient = TopKGradient,
         .kernels = {TopKGeneric}},
    }};

}  // namespace strop
