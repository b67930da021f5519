// Shapes as data, and tensors made from nothing but a shape.
//
//   Shape-25            y = x.shape[start:end]
//   Size-25             y = Π x.shape
//   ConstantOfShape-25  y = value, of the shape that the input holds
//   EyeLike-22          y[i,j] = (j − i == k)
//   Range-27            y[i] = start + i·delta,  ⌈(limit − start) / delta⌉ elements
//
// Shape, Size and EyeLike read only their input's shape, so that they fold when shapes are bound.

#include <algorithm>
#include <cmath>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "graph/visit_type.h"
#include "ops/core/axes.h"
#include "ops/core/family.h"
#include "ops/kernels/parallel_for.h"
#include "ops/kernels/strided_copy.h"

namespace strop {
namespace {

// ---- Attributes

// Shape's [start, end) clamped to the rank, end ≥ start.
struct ShapeRange {
  int64_t start;
  int64_t end;

  ShapeRange(const Node& node, int64_t rank)
      : start(Clamp(node.attributes.Int("start", 0), rank)),
        end(std::max(start, Clamp(node.attributes.Int("end", rank), rank))) {}

  static int64_t Clamp(int64_t axis, int64_t rank) {
    return std::clamp<int64_t>(axis < 0 ? axis + rank : axis, 0, rank);
  }
};

// ConstantOfShape's element; a float zero by default.
Tensor FillValue(const Node& node) {
  Tensor value = node.attributes.TensorValue("value");
  return value.is_empty_handle() ? Tensor(DataType::kFloat, {1}) : value;
}

absl::Status CheckFillValue(const Node& node) {
  const Tensor value = FillValue(node);
  if (value.element_count() != 1) {
    return absl::InvalidArgumentError(absl::StrCat(NodeLabel(node), ": found a value of ",
                                                   value.element_count(),
                                                   " elements, expected one element"));
  }
  return ElementSize(node, value.type()).status();
}

// ---- Type rules

absl::Status ShapeShape(ShapeContext& context) {
  const ShapeRange range(context.node(), context.rank(0));
  context.set_output(0, {range.end - range.start});
  return absl::OkStatus();
}

absl::Status ScalarShape(ShapeContext& context) {
  context.set_output(0, {});
  return absl::OkStatus();
}

absl::Status FillElementType(ElementTypeContext& context) {
  context.set_output(0, FillValue(context.node()).type());
  return absl::OkStatus();
}

absl::Status FillShape(ShapeContext& context) {
  STROP_ASSIGN_OR_RETURN(const std::vector<int64_t> dimensions, context.ConstantIntegers(0));
  const absl::StatusOr<int64_t> count = CheckedElementCount(dimensions);
  if (!count.ok()) {
    return context.Mismatch("shape " + ShapeName(dimensions),
                            "dimensions ≥ 0 whose product can be addressed");
  }
  context.set_output(0, Shape(dimensions.begin(), dimensions.end()));
  return absl::OkStatus();
}

absl::Status EyeElementType(ElementTypeContext& context) {
  const auto type = static_cast<DataType>(context.node().attributes.Int("dtype", 0));
  context.set_output(0, type == DataType::kUndefined ? context.input(0) : type);
  return absl::OkStatus();
}

absl::Status EyeShape(ShapeContext& context) {
  if (context.rank(0) != 2) {
    return context.Mismatch("an input of shape " + ShapeName(context.input(0)), "a matrix");
  }
  context.set_output(0, context.input(0));
  return absl::OkStatus();
}

absl::Status RangeShape(ShapeContext& context) {
  double bounds[3];
  for (size_t i = 0; i < 3; ++i) {
    STROP_ASSIGN_OR_RETURN(const std::vector<double> number, context.ConstantNumbers(i));
    if (number.size() != 1) {
      return context.Mismatch(absl::StrCat("input ", i, " of ", number.size(), " elements"),
                              "a scalar");
    }
    bounds[i] = number[0];
  }
  const double count = std::ceil((bounds[1] - bounds[0]) / bounds[2]);
  constexpr double kLimit = 1e15;
  if (bounds[2] == 0 || !(std::abs(count) < kLimit)) {
    return context.Mismatch(
        absl::StrCat("start ", bounds[0], ", limit ", bounds[1], ", delta ", bounds[2]),
        "finite bounds and a delta other than 0");
  }
  context.set_output(0, {std::max<int64_t>(0, static_cast<int64_t>(count))});
  return absl::OkStatus();
}

// ---- Kernels

absl::StatusOr<std::unique_ptr<Kernel>> ShapeGeneric(const KernelRequest& request) {
  const Shape& shape = request.inputs[0].shape;
  const ShapeRange range(request.node, request.inputs[0].rank());
  const Shape part(shape.begin() + range.start, shape.begin() + range.end);
  return MakeKernel([part](const KernelArguments& arguments) {
    std::copy(part.begin(), part.end(), arguments.output<int64_t>(0));
    return absl::OkStatus();
  });
}

absl::StatusOr<std::unique_ptr<Kernel>> SizeGeneric(const KernelRequest& request) {
  const int64_t count = request.inputs[0].element_count();
  return MakeKernel([count](const KernelArguments& arguments) {
    *arguments.output<int64_t>(0) = count;
    return absl::OkStatus();
  });
}

absl::StatusOr<std::unique_ptr<Kernel>> FillGeneric(const KernelRequest& request) {
  STROP_ASSIGN_OR_RETURN(const size_t size, ElementSize(request.node, request.outputs[0].type));
  StridedBox box;
  box.shape = {request.outputs[0].element_count()};
  box.source_strides = {0};
  box.destination_strides = {1};
  return MakeKernel([value = FillValue(request.node), box = Simplify(box),
                     size](const KernelArguments& arguments) {
    CopyStrided(box, size, value.data(), arguments.outputs[0]);
    return absl::OkStatus();
  });
}

template <typename T>
std::unique_ptr<Kernel> EyeKernel(const Shape& shape, int64_t diagonal) {
  return MakeKernel(
      [rows = shape[0], columns = shape[1], diagonal](const KernelArguments& arguments) {
        T* y = arguments.output<T>(0);
        const T one = static_cast<T>(ComputeType<T>{1});
        std::fill_n(y, rows * columns, static_cast<T>(ComputeType<T>{0}));
        for (int64_t row = std::max<int64_t>(0, -diagonal); row < rows; ++row) {
          const int64_t column = row + diagonal;
          if (column >= columns) break;
          y[row * columns + column] = one;
        }
        return absl::OkStatus();
      });
}

absl::StatusOr<std::unique_ptr<Kernel>> EyeGeneric(const KernelRequest& request) {
  const Shape& shape = request.outputs[0].shape;
  // Beyond the matrix a diagonal is empty, however far: clamped so that sums cannot overflow.
  const int64_t diagonal = std::clamp(request.node.attributes.Int("k", 0), -shape[0], shape[1]);
  std::unique_ptr<Kernel> kernel;
  STROP_RETURN_IF_ERROR(VisitNumeric(request.outputs[0].type, "EyeLike", [&]<typename T>() {
    kernel = EyeKernel<T>(shape, diagonal);
    return absl::OkStatus();
  }));
  return kernel;
}

absl::StatusOr<std::unique_ptr<Kernel>> RangeGeneric(const KernelRequest& request) {
  const int64_t count = request.outputs[0].element_count();
  std::unique_ptr<Kernel> kernel;
  STROP_RETURN_IF_ERROR(VisitNumeric(request.outputs[0].type, "Range", [&]<typename T>() {
    kernel = MakeKernel([count](const KernelArguments& arguments) {
      using Compute = ComputeType<T>;
      const auto start = static_cast<Compute>(*arguments.input<T>(0));
      const auto delta = static_cast<Compute>(*arguments.input<T>(2));
      T* y = arguments.output<T>(0);
      for (int64_t i = 0; i < count; ++i) {
        y[i] = static_cast<T>(static_cast<Compute>(start + static_cast<Compute>(i) * delta));
      }
      return absl::OkStatus();
    });
    return absl::OkStatus();
  }));
  return kernel;
}

// ---- Definitions

OpDefinition OfShape(std::string_view name, int since_version,
                     absl::Status (*element_types)(ElementTypeContext&),
                     absl::Status (*shapes)(ShapeContext&), KernelFactory generic) {
  return {.name = name,
          .since_version = since_version,
          .element_types = element_types,
          .shapes = shapes,
          .kernels = {generic},
          .input_use = {InputUse::kShapeOnly}};
}

}  // namespace

const RegisteredFamily kShape = {
    "shape",
    {
        OfShape("Shape", 25, Int64ElementType, ShapeShape, ShapeGeneric),
        OfShape("Size", 25, Int64ElementType, ScalarShape, SizeGeneric),
        OfShape("EyeLike", 22, EyeElementType, EyeShape, EyeGeneric),
        {.name = "ConstantOfShape",
         .since_version = 25,
         .check_attributes = CheckFillValue,
         .element_types = FillElementType,
         .shapes = FillShape,
         .kernels = {FillGeneric}},
        // The bounds decide the shape, so they are constants; through a
        // trained bound there is no gradient here.
        {.name = "Range",
         .since_version = 27,
         .minimum_inputs = 3,
         .maximum_inputs = 3,
         .shapes = RangeShape,
         .differentiability = {Differentiability::kNotImplemented,
                               Differentiability::kNotDifferentiable,
                               Differentiability::kNotImplemented},
         .kernels = {RangeGeneric}},
    }};

}  // namespace strop
