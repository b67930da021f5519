// Pools over the spatial axes of X[N,C,…]; k runs over the kernel cells that lie inside X.
//
//   MaxPool-22      Y[s] = max_k X[s,k]; Indices are positions in X, row-major or (storage_order 1)
//                   column-major in the spatial axes
//                   dX[t] = Σ of dY[s] over the windows s whose first maximum is t
//   AveragePool-22  Y[s] = Σ_k X[s,k]/n(s),  n = cells inside X, or inside the padded X with
//                   count_include_pad;  dX[t] = Σ_s dY[s]/n(s)
//   LpPool-22       Y[s] = (Σ_k |X[s,k]|^p)^(1/p)
//                   dX[t] = Σ_s dY[s]·sign(X[t])·(|X[t]|/Y[s])^(p−1)
//   GlobalMaxPool-22, GlobalAveragePool-22, GlobalLpPool-22: one window covers all of X.
//
// Beyond ONNX's outputs MaxPool has a third (GlobalMaxPool a second): the kernel cell that won.

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "ops/core/family.h"
#include "ops/core/op_definition.h"
#include "ops/pooling/pool_kernels.h"

namespace strop {
namespace {

bool IsGlobal(const Node& node) { return absl::StartsWith(std::string(node.op_type), "Global"); }

// Which output holds the winners.
size_t WinnerOutput(const Node& node) { return IsGlobal(node) ? 1 : 2; }

// ---- Attributes

absl::Status CheckPool(const Node& node) {
  if (IsGlobal(node)) return absl::OkStatus();
  if (node.attributes.Ints("kernel_shape").empty()) {
    return absl::InvalidArgumentError(NodeLabel(node) + ": found no kernel_shape, expected one");
  }
  return CheckWindowAttributes(node);
}

absl::Status CheckLpPool(const Node& node) {
  STROP_RETURN_IF_ERROR(CheckPool(node));
  const int64_t p = node.attributes.Int("p", 2);
  if (p >= 1) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(NodeLabel(node), ": found p ", p, ", expected at least 1"));
}

// ---- Type rules

absl::Status MaxPoolTypes(ElementTypeContext& context) {
  context.set_all_outputs(DataType::kInt64);
  context.set_output(0, context.input(0));
  context.set_output(WinnerOutput(context.node()), WinnerType(context.node()));
  return absl::OkStatus();
}

absl::Status PoolShape(ShapeContext& context) {
  const Shape& x = context.input(0);
  if (x.size() < 3) return context.Mismatch(ShapeName(x), "[N,C,…] with spatial axes");
  STROP_ASSIGN_OR_RETURN(const Window window, PoolWindow(context.node(), x));
  Shape y = {x[0], x[1]};
  y.insert(y.end(), window.output.begin(), window.output.end());
  for (size_t i = 0; i < context.output_count(); ++i) context.set_output(i, y);
  return absl::OkStatus();
}

template <size_t kX>
absl::Status SameShapeAsX(ShapeContext& context) {
  context.set_output(0, context.input(kX));
  return absl::OkStatus();
}

// ---- Gradient rules

absl::Status MaxPoolGradient(GradientContext& context) {
  const ValueId winners = context.output(WinnerOutput(context.node()));
  context.SetInputGradient(
      0, context.EmitStrop(absl::StrCat(context.node().op_type, "Gradient"),
                           {context.output_gradient(0), winners, context.input(0)},
                           context.node().attributes));
  return absl::OkStatus();
}

absl::Status AveragePoolGradient(GradientContext& context) {
  context.SetInputGradient(0, context.EmitStrop(absl::StrCat(context.node().op_type, "Gradient"),
                                                {context.output_gradient(0), context.input(0)},
                                                context.node().attributes));
  return absl::OkStatus();
}

absl::Status LpPoolGradient(GradientContext& context) {
  context.SetInputGradient(
      0, context.EmitStrop(absl::StrCat(context.node().op_type, "Gradient"),
                           {context.output_gradient(0), context.input(0), context.output(0)},
                           context.node().attributes));
  return absl::OkStatus();
}

// ---- Definitions

OpDefinition MaxPool(std::string_view name, int maximum_outputs) {
  return {.name = name,
          .since_version = 22,
          .maximum_outputs = maximum_outputs,
          .check_attributes = CheckPool,
          .element_types = MaxPoolTypes,
          .shapes = PoolShape,
          .differentiability = {Differentiability::kDifferentiable},
          .gradient = MaxPoolGradient,
          .kernels = {MaxPoolKernel}};
}

OpDefinition SumPool(std::string_view name, absl::Status (*check)(const Node&),
                     absl::Status (*gradient)(GradientContext&), KernelFactory kernel) {
  return {.name = name,
          .since_version = 22,
          .check_attributes = check,
          .shapes = PoolShape,
          .differentiability = {Differentiability::kDifferentiable},
          .gradient = gradient,
          .kernels = {kernel}};
}

OpDefinition MaxPoolGradientDefinition(std::string_view name) {
  return {.name = name,
          .domain = kStropDomain,
          .minimum_inputs = 3,
          .maximum_inputs = 3,
          .check_attributes = CheckPool,
          .shapes = SameShapeAsX<2>,
          .differentiability = {Differentiability::kNotImplemented},
          .kernels = {MaxPoolGradientKernel},
          .input_use = {InputUse::kElements, InputUse::kElements, InputUse::kShapeOnly}};
}

OpDefinition AveragePoolGradientDefinition(std::string_view name) {
  return {.name = name,
          .domain = kStropDomain,
          .minimum_inputs = 2,
          .maximum_inputs = 2,
          .check_attributes = CheckPool,
          .shapes = SameShapeAsX<1>,
          .differentiability = {Differentiability::kNotImplemented},
          .kernels = {AveragePoolGradientKernel},
          .input_use = {InputUse::kElements, InputUse::kShapeOnly}};
}

OpDefinition LpPoolGradientDefinition(std::string_view name) {
  return {.name = name,
          .domain = kStropDomain,
          .minimum_inputs = 3,
          .maximum_inputs = 3,
          .check_attributes = CheckLpPool,
          .shapes = SameShapeAsX<1>,
          .differentiability = {Differentiability::kNotImplemented},
          .kernels = {LpPoolGradientKernel}};
}

}  // namespace

absl::StatusOr<Window> PoolWindow(const Node& node, const Shape& x) {
  const Shape spatial = SpatialAxes(x);
  if (!IsGlobal(node)) {
    const bool ceiling = node.attributes.Int("ceil_mode", 0) != 0;
    return MakeWindow(node, spatial, WindowAttributes(node).kernel,
                      ceiling ? WindowRounding::kCeiling : WindowRounding::kFloor);
  }
  const size_t rank = spatial.size();
  return Window{.input = spatial,
                .output = Shape(rank, 1),
                .kernel = spatial,
                .strides = Shape(rank, 1),
                .dilations = Shape(rank, 1),
                .pads_begin = Shape(rank, 0),
                .pads_end = Shape(rank, 0)};
}

DataType WinnerType(const Node& node) {
  if (IsGlobal(node)) return DataType::kInt32;
  const std::vector<int64_t> kernel = node.attributes.Ints("kernel_shape");
  constexpr int64_t kMostByteCells = 255;  // 255 itself says that no cell lies inside X
  return ElementCount(kernel) <= kMostByteCells ? DataType::kUint8 : DataType::kInt32;
}

const RegisteredFamily kPooling = {
    "pooling",
    {
        MaxPool("MaxPool", 3),
        MaxPoolGradientDefinition("MaxPoolGradient"),
        MaxPool("GlobalMaxPool", 2),
        MaxPoolGradientDefinition("GlobalMaxPoolGradient"),
        SumPool("AveragePool", CheckPool, AveragePoolGradient, AveragePoolKernel),
        AveragePoolGradientDefinition("AveragePoolGradient"),
        SumPool("GlobalAveragePool", CheckPool, AveragePoolGradient, AveragePoolKernel),
        AveragePoolGradientDefinition("GlobalAveragePoolGradient"),
        SumPool("LpPool", CheckLpPool, LpPoolGradient, LpPoolKernel),
        LpPoolGradientDefinition("LpPoolGradient"),
        SumPool("GlobalLpPool", CheckLpPool, LpPoolGradient, LpPoolKernel),
        LpPoolGradientDefinition("GlobalLpPoolGradient"),
    }};

}  // namespace strop
