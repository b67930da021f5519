// Padding.
//
//   Pad-25   pads = (begin of each of `axes`, end of each of them); a negative pad crops, and is
//            applied first. What is added: `constant_value` (mode constant, 0 by default), the
//            tensor mirrored about its edge elements (reflect), its edge elements (edge), or the
//            tensor repeated (wrap).
//            dx = PadGradient(dy, x, pads, axes) {mode}
//            d(constant_value) = Σ dy − Σ dx
//
//   PadGradient(dY, X:shape-only, pads, axes) {mode}   every dy summed where its element came from

#include <algorithm>
#include <cstring>
#include <limits>

#include "absl/strings/str_cat.h"
#include "graph/visit_type.h"
#include "ops/core/axes.h"
#include "ops/core/family.h"
#include "ops/kernels/parallel_for.h"
#include "ops/kernels/strided_copy.h"

namespace strop {
namespace {

// ---- Attributes

enum class PadMode { kConstant, kReflect, kEdge, kWrap };

absl::StatusOr<PadMode> ModeOf(const Node& node) {
  const std::string mode = node.attributes.String("mode", "constant");
  if (mode == "constant") return PadMode::kConstant;
  if (mode == "reflect") return PadMode::kReflect;
  if (mode == "edge") return PadMode::kEdge;
  if (mode == "wrap") return PadMode::kWrap;
  return absl::InvalidArgumentError(
      absl::StrCat(NodeLabel(node), ": found mode \"", mode,
                   "\", expected \"constant\", \"reflect\", \"edge\" or \"wrap\""));
}

absl::Status CheckMode(const Node& node) { return ModeOf(node).status(); }

// One axis: `before` added elements, source elements [first, first + kept), `after` added ones.
struct AxisPad {
  int64_t before = 0;
  int64_t first = 0;
  int64_t kept = 0;
  int64_t after = 0;

  int64_t extent() const { return before + kept + after; }
};

absl::StatusOr<std::vector<AxisPad>> AxisPads(const Node& node, const Shape& shape,
                                              const std::vector<int64_t>& pads,
                                              std::vector<int64_t> axes, bool has_axes) {
  const auto rank = static_cast<int64_t>(shape.size());
  if (!has_axes) {
    for (int64_t axis = 0; axis < rank; ++axis) axes.push_back(axis);
  }
  STROP_RETURN_IF_ERROR(AxesOf(node, axes, rank).status());
  if (pads.size() != 2 * axes.size()) {
    return absl::InvalidArgumentError(absl::StrCat(NodeLabel(node), ": found ", pads.size(),
                                                   " pads, expected two for each of ", axes.size(),
                                                   " axes"));
  }
  STROP_ASSIGN_OR_RETURN(const PadMode mode, ModeOf(node));
  std::vector<AxisPad> result;
  for (const int64_t extent : shape) result.push_back({0, 0, extent, 0});
  constexpr int64_t kLimit = int64_t{1} << 40;
  for (size_t i = 0; i < axes.size(); ++i) {
    STROP_ASSIGN_OR_RETURN(const int64_t axis, AxisOf(node, axes[i], rank));
    const int64_t extent = shape[static_cast<size_t>(axis)];
    const int64_t begin = pads[i];
    const int64_t end = pads[i + axes.size()];
    AxisPad pad;
    pad.before = std::max<int64_t>(begin, 0);
    pad.after = std::max<int64_t>(end, 0);
    pad.first = begin < 0 ? -std::max(begin, -kLimit) : 0;
    pad.kept = extent - pad.first - (end < 0 ? -std::max(end, -kLimit) : 0);
    const bool needs_source = mode != PadMode::kConstant && pad.before + pad.after > 0;
    if (pad.before > kLimit || pad.after > kLimit || pad.kept < (needs_source ? 1 : 0)) {
      return absl::InvalidArgumentError(
          absl::StrCat(NodeLabel(node), ": found pads ", begin, " and ", end, " for axis ", axis,
                       " of ", ShapeName(shape), ", expected something to be left of it"));
    }
    result[static_cast<size_t>(axis)] = pad;
  }
  return result;
}

absl::StatusOr<std::vector<AxisPad>> PadsOf(const ShapeContext& context, size_t pads_input,
                                            size_t axes_input, const Shape& shape) {
  STROP_ASSIGN_OR_RETURN(const std::vector<int64_t> pads, context.ConstantIntegers(pads_input));
  STROP_ASSIGN_OR_RETURN(std::vector<int64_t> axes, context.ConstantIntegers(axes_input));
  return AxisPads(context.node(), shape, pads, std::move(axes), context.has_input(axes_input));
}

absl::StatusOr<std::vector<AxisPad>> PadsOf(const KernelRequest& request, size_t pads_input,
                                            size_t axes_input, const Shape& shape) {
  STROP_ASSIGN_OR_RETURN(const std::vector<int64_t> pads, ConstantIntegers(request, pads_input));
  STROP_ASSIGN_OR_RETURN(std::vector<int64_t> axes, ConstantIntegers(request, axes_input));
  return AxisPads(request.node, shape, pads, std::move(axes), request.has_input(axes_input));
}

// ---- Type rules

absl::Status PadShape(ShapeContext& context) {
  STROP_ASSIGN_OR_RETURN(const std::vector<AxisPad> pads, PadsOf(context, 1, 3, context.input(0)));
  Shape shape;
  for (const AxisPad& pad : pads) shape.push_back(pad.extent());
  context.set_output(0, std::move(shape));
  return absl::OkStatus();
}

absl::Status PadGradientShape(ShapeContext& context) {
  STROP_RETURN_IF_ERROR(PadsOf(context, 2, 3, context.input(1)).status());
  context.set_output(0, context.input(1));
  return absl::OkStatus();
}

// ---- Gradient rule

absl::Status PadGradient(GradientContext& context) {
  const ValueId dy = context.output_gradient(0);
  std::vector<ValueId> inputs = {dy, context.input(0), context.input(1)};
  if (context.input(3) != kNoValue) inputs.push_back(context.input(3));
  const ValueId dx = context.EmitStrop("PadGradient", std::move(inputs), context.node().attributes);
  if (context.needs_gradient(0)) context.SetInputGradient(0, dx);
  if (!context.needs_gradient(2)) return absl::OkStatus();
  STROP_ASSIGN_OR_RETURN(const PadMode mode, ModeOf(context.node()));
  if (mode != PadMode::kConstant) {
    context.SetZeroGradient(2);
    return absl::OkStatus();
  }
  const Attributes to_scalar = {{"keepdims", int64_t{0}}};
  const ValueId added = context.Emit("Sub", {context.Emit("ReduceSum", {dy}, to_scalar),
                                             context.Emit("ReduceSum", {dx}, to_scalar)});
  context.SetInputGradient(2, context.EmitStrop("ReshapeLike", {added, context.input(2)}));
  return absl::OkStatus();
}

// ---- Kernels

// Where the elements of a padded tensor come from, axis by axis: `index[offset[axis] + o]` is the
// source index along that axis, -1 where the constant stands.
class SourceMap {
 public:
  SourceMap(const Shape& source, const std::vector<AxisPad>& pads, PadMode mode)
      : source_strides_(DenseStrides(source)) {
    for (const AxisPad& pad : pads) {
      offset_.push_back(index_.size());
      shape_.push_back(pad.extent());
      for (int64_t o = 0; o < pad.extent(); ++o) {
        index_.push_back(SourceIndex(o - pad.before, pad, mode));
      }
    }
    if (shape_.empty()) {
      shape_ = {1};
      source_strides_ = {1};
      offset_ = {0};
      index_ = {0};
      interior_ = {0, 0, 1, 0};
    } else {
      interior_ = pads.back();
    }
  }

  int64_t row_length() const { return shape_.back(); }
  int64_t row_count() const {
    return ElementCount(absl::MakeSpan(shape_).first(shape_.size() - 1));
  }
  const AxisPad& interior() const { return interior_; }
  // Source index along the last axis.
  int64_t column(int64_t o) const { return index_[offset_.back() + static_cast<size_t>(o)]; }

  // Offset in the source of a row of the result, -1 if it is all constant.
  int64_t RowOffset(int64_t row) const {
    int64_t offset = 0;
    for (size_t axis = shape_.size() - 1; axis-- > 0;) {
      const int64_t source = index_[offset_[axis] + static_cast<size_t>(row % shape_[axis])];
      if (source < 0) return -1;
      offset += source * source_strides_[axis];
      row /= shape_[axis];
    }
    return offset;
  }

  // How many leading axes are neither padded nor cropped: their slices never share a source.
  int64_t IndependentRows() const {
    int64_t rows = 1;
    for (size_t axis = 0; axis + 1 < shape_.size(); ++axis) {
      for (int64_t o = 0; o < shape_[axis]; ++o) {
        if (index_[offset_[axis] + static_cast<size_t>(o)] != o) return rows;
      }
      rows *= shape_[axis];
    }
    return rows;
  }

 private:
  static int64_t SourceIndex(int64_t o, const AxisPad& pad, PadMode mode) {
    if (o >= 0 && o < pad.kept) return pad.first + o;
    switch (mode) {
      case PadMode::kConstant:
        return -1;
      case PadMode::kEdge:
        return pad.first + std::clamp<int64_t>(o, 0, pad.kept - 1);
      case PadMode::kWrap:
        return pad.first + (o % pad.kept + pad.kept) % pad.kept;
      case PadMode::kReflect:
        break;
    }
    if (pad.kept == 1) return pad.first;
    const int64_t period = 2 * (pad.kept - 1);
    const int64_t phase = (o % period + period) % period;
    return pad.first + std::min(phase, period - phase);
  }

  Shape shape_;
  Shape source_strides_;
  std::vector<size_t> offset_;
  std::vector<int64_t> index_;
  AxisPad interior_;
};

template <typename T>
void PadRow(const SourceMap& map, int64_t source_row, const T* x, T constant, T* y) {
  const int64_t length = map.row_length();
  if (source_row < 0) {
    std::fill_n(y, length, constant);
    return;
  }
  const AxisPad& interior = map.interior();
  const auto at = [&](int64_t o) {
    const int64_t column = map.column(o);
    return column < 0 ? constant : x[source_row + column];
  };
  for (int64_t o = 0; o < interior.before; ++o) y[o] = at(o);
  std::copy_n(x + source_row + interior.first, interior.kept, y + interior.before);
  for (int64_t o = interior.before + interior.kept; o < length; ++o) y[o] = at(o);
}

template <typename T>
std::unique_ptr<Kernel> PadKernel(SourceMap map) {
  return MakeKernel([map = std::move(map)](const KernelArguments& arguments) {
    const T* x = arguments.input<T>(0);
    const T* value = arguments.input<T>(2);
    const T constant = value == nullptr ? T{} : *value;
    T* y = arguments.output<T>(0);
    const int64_t length = map.row_length();
    const int64_t grain = std::max<int64_t>(1, 16384 / std::max<int64_t>(1, length));
    ParallelFor(map.row_count(), grain, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        PadRow(map, map.RowOffset(row), x, constant, y + row * length);
      }
    });
    return absl::OkStatus();
  });
}

struct Bytes16 {
  uint64_t halves[2] = {0, 0};
};

absl::StatusOr<std::unique_ptr<Kernel>> PadGeneric(const KernelRequest& request) {
  const Shape& source = request.inputs[0].shape;
  STROP_ASSIGN_OR_RETURN(const std::vector<AxisPad> pads, PadsOf(request, 1, 3, source));
  STROP_ASSIGN_OR_RETURN(const PadMode mode, ModeOf(request.node));
  STROP_ASSIGN_OR_RETURN(const size_t size, ElementSize(request.node, request.inputs[0].type));
  SourceMap map(source, pads, mode);
  switch (size) {
    case 1:
      return PadKernel<uint8_t>(std::move(map));
    case 2:
      return PadKernel<uint16_t>(std::move(map));
    case 4:
      return PadKernel<uint32_t>(std::move(map));
    case 8:
      return PadKernel<uint64_t>(std::move(map));
    default:
      return PadKernel<Bytes16>(std::move(map));
  }
}

// Adds a row of dY to the source elements that it came from, in order.
template <typename T>
void AddPadRow(const SourceMap& map, int64_t source_row, const T* dy, T* dx) {
  using Compute = ComputeType<T>;
  for (int64_t o = 0; o < map.row_length(); ++o) {
    const int64_t column = map.column(o);
    if (column < 0) continue;
    T& sum = dx[source_row + column];
    sum = static_cast<T>(static_cast<Compute>(sum) + static_cast<Compute>(dy[o]));
  }
}

template <typename T>
std::unique_ptr<Kernel> PadGradientKernel(SourceMap map, size_t bytes) {
  return MakeKernel([map = std::move(map), bytes](const KernelArguments& arguments) {
    const T* dy = arguments.input<T>(0);
    T* dx = arguments.output<T>(0);
    FillZero(dx, bytes);
    const int64_t independent = map.IndependentRows();
    if (independent == 0) return absl::OkStatus();
    const int64_t rows = map.row_count() / independent;
    ParallelFor(independent, 1, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin * rows; row < end * rows; ++row) {
        const int64_t source_row = map.RowOffset(row);
        if (source_row >= 0) AddPadRow(map, source_row, dy + row * map.row_length(), dx);
      }
    });
    return absl::OkStatus();
  });
}

absl::StatusOr<std::unique_ptr<Kernel>> PadGradientGeneric(const KernelRequest& request) {
  const Shape& source = request.outputs[0].shape;
  STROP_ASSIGN_OR_RETURN(const std::vector<AxisPad> pads, PadsOf(request, 2, 3, source));
  STROP_ASSIGN_OR_RETURN(const PadMode mode, ModeOf(request.node));
  SourceMap map(source, pads, mode);
  std::unique_ptr<Kernel> kernel;
  STROP_RETURN_IF_ERROR(
      VisitFloating(request.inputs[0].type, request.node.op_type, [&]<typename T>() {
        kernel = PadGradientKernel<T>(std::move(map),
                                      sizeof(T) * static_cast<size_t>(ElementCount(source)));
        return absl::OkStatus();
      }));
  return kernel;
}

}  // namespace

// ---- Definitions

const RegisteredFamily kPad = {
    "pad",
    {
        {.name = "Pad",
         .since_version = 25,
         .minimum_inputs = 2,
         .maximum_inputs = 4,
         .check_attributes = CheckMode,
         .shapes = PadShape,
         .differentiability = {Differentiability::kDifferentiable,
                               Differentiability::kNotDifferentiable,
                               Differentiability::kDifferentiable,
                               Differentiability::kNotDifferentiable},
         .gradient = PadGradient,
         .kernels = {PadGeneric},
         .roles = {{2, "padding value", ConstantUse::kFrozen}}},
        {.name = "PadGradient",
         .domain = kStropDomain,
         .minimum_inputs = 3,
         .maximum_inputs = 4,
         .shapes = PadGradientShape,
         .differentiability = {Differentiability::kNotImplemented,
                               Differentiability::kNotDifferentiable},
         .kernels = {PadGradientGeneric},
         .input_use = {InputUse::kElements, InputUse::kShapeOnly, InputUse::kElements}},
    }};

}  // namespace strop
