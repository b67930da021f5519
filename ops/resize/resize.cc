// Resize-19: every axis is mapped by a small linear map, one axis after the other.
//
//   Y = A₀ ⊗ A₁ ⊗ … X + extrapolation
//   dX = A₀ᵀ ⊗ A₁ᵀ ⊗ … dY
//     the rows of an axis' A hold the weights of nearest, linear or cubic interpolation at the
//     coordinates of Y in X
//
// The layout of X stays when batch and channels are not resized.

#include "ops/resize/resize.h"

#include <algorithm>
#include <array>

#include "absl/strings/str_cat.h"
#include "graph/visit_type.h"
#include "ops/core/family.h"
#include "ops/core/op_definition.h"
#include "ops/kernels/channel_layout.h"
#include "ops/kernels/parallel_for.h"

namespace strop {
namespace {

// ---- Attributes

absl::Status CheckResize(const Node& node) {
  const ResizeAttributes attributes(node);
  const auto check = [&](std::string_view name, const std::string& value,
                         std::initializer_list<std::string_view> allowed) {
    if (std::count(allowed.begin(), allowed.end(), value) > 0) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat(NodeLabel(node), ": found ", std::string(name),
                                                   " ", value, ", expected one of the spec's"));
  };
  STROP_RETURN_IF_ERROR(check("mode", attributes.mode, {"nearest", "linear", "cubic"}));
  STROP_RETURN_IF_ERROR(check("nearest_mode", attributes.nearest_mode,
                              {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"}));
  STROP_RETURN_IF_ERROR(check("keep_aspect_ratio_policy", attributes.aspect_ratio_policy,
                              {"stretch", "not_larger", "not_smaller"}));
  return check("coordinate_transformation_mode", attributes.coordinates,
               {"half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners",
                "asymmetric", "tf_crop_and_resize"});
}

// ---- Type rules

// The operands roi, scales and sizes follow X, which is at position `x`.
absl::StatusOr<std::vector<ResizedAxis>> AxesOf(const ShapeContext& context, size_t x) {
  STROP_ASSIGN_OR_RETURN(const std::vector<double> roi, context.ConstantNumbers(x + 1));
  STROP_ASSIGN_OR_RETURN(const std::vector<double> scales, context.ConstantNumbers(x + 2));
  STROP_ASSIGN_OR_RETURN(const std::vector<int64_t> sizes, context.ConstantIntegers(x + 3));
  return ResizeAxes(context.node(), context.input(x), roi, scales, sizes);
}

absl::Status ResizeShape(ShapeContext& context) {
  STROP_ASSIGN_OR_RETURN(const std::vector<ResizedAxis> axes, AxesOf(context, 0));
  Shape shape;
  for (const ResizedAxis& axis : axes) shape.push_back(axis.output_length);
  context.set_output(0, std::move(shape));
  return absl::OkStatus();
}

absl::Status ResizeGradientShape(ShapeContext& context) {
  STROP_RETURN_IF_ERROR(AxesOf(context, 1).status());
  context.set_output(0, context.input(1));
  return absl::OkStatus();
}

// ---- Gradient rule

absl::Status ResizeGradientRule(GradientContext& context) {
  std::vector<ValueId> inputs = {context.output_gradient(0)};
  for (size_t i = 0; i < context.node().inputs.size(); ++i) inputs.push_back(context.input(i));
  context.SetInputGradient(
      0, context.EmitStrop("ResizeGradient", std::move(inputs), context.node().attributes));
  return absl::OkStatus();
}

// ---- Kernels

// One map along the middle axis of [outer, length, inner].
struct Pass {
  AxisMap map;
  int64_t outer = 1;
  int64_t inner = 1;

  int64_t output_count() const { return outer * map.output_length() * inner; }
};

// Integers are interpolated in double and truncated.
template <typename T>
using ResizeCompute = std::conditional_t<std::is_integral_v<T>, double, ComputeType<T>>;

template <typename From, typename To, typename Compute>
void RunPass(const Pass& pass, const From* from, To* to) {
  constexpr int64_t kGrainElements = 4096;
  const AxisMap& map = pass.map;
  const int64_t length = map.output_length();
  const int64_t inner = pass.inner;
  const int64_t grain = std::max<int64_t>(kGrainElements / std::max<int64_t>(inner, 1), 1);
  const auto row = [&](int64_t item) {
    const auto j = static_cast<size_t>(item % length);
    const From* const source = from + item / length * map.input_length * inner;
    To* const target = to + item * inner;
    const int64_t begin = map.starts[j];
    const int64_t end = map.starts[j + 1];
    if (end - begin == 1 && map.weights[static_cast<size_t>(begin)] == 1) {
      const From* const only = source + map.taps[static_cast<size_t>(begin)] * inner;
      for (int64_t i = 0; i < inner; ++i) {
        target[i] = static_cast<To>(static_cast<Compute>(only[i]));
      }
      return;
    }
    const auto offset = static_cast<Compute>(map.offsets.empty() ? 0.0 : map.offsets[j]);
    // Sums of a stretch of the row stay in the first cache.
    constexpr int64_t kStretch = 256;
    std::array<Compute, kStretch> sums;
    for (int64_t i = 0; i < inner; i += kStretch) {
      const int64_t count = std::min(kStretch, inner - i);
      std::fill_n(sums.begin(), count, offset);
      for (int64_t t = begin; t < end; ++t) {
        const auto weight = static_cast<Compute>(map.weights[static_cast<size_t>(t)]);
        const From* const tap = source + map.taps[static_cast<size_t>(t)] * inner + i;
        for (int64_t k = 0; k < count; ++k) {
          sums[static_cast<size_t>(k)] += weight * static_cast<Compute>(tap[k]);
        }
      }
      for (int64_t k = 0; k < count; ++k) {
        target[i + k] = static_cast<To>(sums[static_cast<size_t>(k)]);
      }
    }
  };
  ParallelFor(pass.outer * length, grain, [&](int64_t begin, int64_t end) {
    for (int64_t item = begin; item < end; ++item) row(item);
  });
}

// The maps of all axes that change anything, as passes over tensors in the given layout.
std::vector<Pass> MakePasses(const std::vector<AxisMap>& maps, const ChannelLayout* channels) {
  // The axes of the buffer from the outermost: [N·blocks, spatial…, block] in a channel layout.
  std::vector<int64_t> lengths;
  std::vector<const AxisMap*> axis_maps;
  if (channels != nullptr) {
    lengths.push_back(channels->batch * channels->blocks());
    axis_maps.push_back(nullptr);
  }
  for (size_t axis = channels != nullptr ? 2 : 0; axis < maps.size(); ++axis) {
    lengths.push_back(maps[axis].input_length);
    axis_maps.push_back(maps[axis].is_identity() ? nullptr : &maps[axis]);
  }
  if (channels != nullptr) {
    lengths.push_back(channels->block);
    axis_maps.push_back(nullptr);
  }
  std::vector<Pass> passes;
  for (size_t axis = 0; axis < lengths.size(); ++axis) {
    if (axis_maps[axis] == nullptr) continue;
    Pass pass{*axis_maps[axis]};
    for (size_t i = 0; i < axis; ++i) pass.outer *= lengths[i];
    for (size_t i = axis + 1; i < lengths.size(); ++i) pass.inner *= lengths[i];
    lengths[axis] = pass.map.output_length();
    passes.push_back(std::move(pass));
  }
  return passes;
}

// Elements of the largest result between two passes.
int64_t LargestIntermediate(const std::vector<Pass>& passes) {
  int64_t largest = 0;
  for (size_t i = 0; i + 1 < passes.size(); ++i) {
    largest = std::max(largest, passes[i].output_count());
  }
  return (largest + 63) / 64 * 64;
}

template <typename T>
void RunPasses(const std::vector<Pass>& passes, int64_t count, const KernelArguments& arguments) {
  using Compute = ResizeCompute<T>;
  const T* const from = arguments.input<T>(0);
  T* const to = arguments.output<T>(0);
  if (passes.empty()) {
    std::copy_n(from, count, to);
    return;
  }
  if (passes.size() == 1) {
    RunPass<T, T, Compute>(passes[0], from, to);
    return;
  }
  Compute* source = static_cast<Compute*>(arguments.workspace);
  Compute* target = source + LargestIntermediate(passes);
  RunPass<T, Compute, Compute>(passes[0], from, source);
  for (size_t i = 1; i + 1 < passes.size(); ++i) {
    RunPass<Compute, Compute, Compute>(passes[i], source, target);
    std::swap(source, target);
  }
  RunPass<Compute, T, Compute>(passes.back(), source, to);
}

// The elements of a constant operand, empty when absent.
std::vector<double> Numbers(const KernelRequest& request, size_t index) {
  if (!request.has_input(index)) return {};
  return NumericElements(*request.inputs[index].constant).value();
}

std::vector<int64_t> IntegersAt(const KernelRequest& request, size_t index) {
  if (!request.has_input(index)) return {};
  return IntegerElements(*request.inputs[index].constant).value();
}

// The kernel of Resize (X at 0) or of its gradient (X at 1), which runs the adjoint maps.
template <size_t kX>
absl::StatusOr<std::unique_ptr<Kernel>> ResizeKernel(const KernelRequest& request) {
  constexpr bool kIsGradient = kX == 1;
  const TensorDescription& x = request.inputs[kX];
  STROP_ASSIGN_OR_RETURN(const std::vector<ResizedAxis> axes,
                         ResizeAxes(request.node, x.shape, Numbers(request, kX + 1),
                                    Numbers(request, kX + 2), IntegersAt(request, kX + 3)));
  const ResizeAttributes attributes(request.node);
  std::vector<AxisMap> maps;
  for (const ResizedAxis& axis : axes) {
    maps.push_back(MakeAxisMap(attributes, axis));
    if (kIsGradient) maps.back() = maps.back().Transposed();
  }
  const Shape& input = request.inputs[0].shape;
  const bool keeps_channels = maps.size() > 2 && maps[0].is_identity() && maps[1].is_identity();
  const Layout layout = keeps_channels ? PreferredChannelLayout(request, input) : nullptr;
  const std::optional<ChannelLayout> channels =
      layout == nullptr ? std::nullopt : ChannelLayoutOf(input, layout);
  const std::vector<Pass> passes = MakePasses(maps, channels ? &*channels : nullptr);
  const int64_t count = channels ? channels->batch * channels->padded_channels() * channels->spatial
                                 : ElementCount(input);
  std::unique_ptr<Kernel> kernel;
  const absl::Status status = VisitNumeric(x.type, request.node.op_type, [&]<typename T>() {
    kernel = MakeKernel(
        [passes, count](const KernelArguments& arguments) {
          RunPasses<T>(passes, count, arguments);
          return absl::OkStatus();
        },
        static_cast<size_t>(2 * LargestIntermediate(passes)) * sizeof(ResizeCompute<T>));
    return absl::OkStatus();
  });
  if (!status.ok()) return status;
  kernel->input_layouts = {layout};
  kernel->output_layouts = {ChannelLayoutLike(layout, x.type, request.outputs[0].shape)};
  return kernel;
}

// ---- Definitions

OpDefinition Resize() {
  return {
      .name = "Resize",
      .since_version = 19,
      .maximum_inputs = 4,
      .check_attributes = CheckResize,
      .shapes = ResizeShape,
      .differentiability = {Differentiability::kDifferentiable, Differentiability::kNotImplemented,
                            Differentiability::kNotImplemented,
                            Differentiability::kNotDifferentiable},
      .gradient = ResizeGradientRule,
      .kernels = {ResizeKernel<0>},
      .roles = {{1, "region", ConstantUse::kFrozen}, {2, "resize factors", ConstantUse::kFrozen}},
      .runtime_difference = ResizeDifference};
}

// (dY, X: shape, roi, scales, sizes) → dX.
OpDefinition ResizeGradient() {
  return {.name = "ResizeGradient",
          .domain = kStropDomain,
          .minimum_inputs = 2,
          .maximum_inputs = 5,
          .check_attributes = CheckResize,
          .shapes = ResizeGradientShape,
          .differentiability = {Differentiability::kNotImplemented},
          .kernels = {ResizeKernel<1>},
          .input_use = {InputUse::kElements, InputUse::kShapeOnly, InputUse::kElements}};
}

}  // namespace

const RegisteredFamily kResize = {"resize", {Resize(), ResizeGradient()}};

}  // namespace strop
