// Convolutions over 1, 2, 3 or more spatial axes.
//
//   Conv-22             Y[n,o,s] = B[o] + Σ_{i,k} W[o,i,k]·X[n,i,t]
//     t = s·stride + k·dilation − pad, in all of these; i runs over the input channels of o's
//     group; outside the input X is 0
//   ConvInputGradient   dX[n,i,t] = Σ_{o,k} W[o,i,k]·dY[n,o,s]
//   ConvWeightGradient  dW[o,i,k] = Σ_{n,s} dY[n,o,s]·X[n,i,t]
//   ConvBiasGradient    dB[o] = Σ_{n,s} dY[n,o,s]
//
//   ConvTranspose-22  is the map X ↦ dX of ConvInputGradient plus a bias, W is [C,M/group,kernel…];
//     its gradient to X is a convolution of dY, that to W exchanges X and dY.
//
// Each product is linear in both operands, so the gradients of the gradients are the same products.

#include "ops/convolution/convolution.h"

#include "absl/strings/str_cat.h"
#include "ops/core/family.h"
#include "ops/core/op_definition.h"
#include "ops/core/operation_count.h"
#include "ops/kernels/channel_sum.h"

namespace strop {
namespace {

// ---- Attributes

absl::Status CheckConvAttributes(const Node& node) {
  STROP_RETURN_IF_ERROR(CheckWindowAttributes(node));
  const int64_t groups = node.attributes.Int("group", 1);
  if (groups >= 1) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(NodeLabel(node), ": found group ", groups, ", expected at least 1"));
}

// ---- Type rules

using GeometryRule = absl::StatusOr<ConvolutionGeometry> (*)(const Node&, const Shape&,
                                                             const Shape&);

absl::Status CheckBias(ShapeContext& context, int64_t channels) {
  if (!context.has_input(2) || context.input(2) == Shape{channels}) return absl::OkStatus();
  return context.Mismatch("a bias of shape " + ShapeName(context.input(2)),
                          ShapeName(Shape{channels}));
}

absl::Status ConvShape(ShapeContext& context) {
  STROP_ASSIGN_OR_RETURN(const ConvolutionGeometry geometry,
                         ConvGeometry(context.node(), context.input(0), context.input(1)));
  STROP_RETURN_IF_ERROR(CheckBias(context, geometry.output_channels));
  context.set_output(0, geometry.output_shape());
  return absl::OkStatus();
}

absl::Status ConvTransposeShape(ShapeContext& context) {
  STROP_ASSIGN_OR_RETURN(const ConvolutionGeometry geometry,
                         ConvTransposeGeometry(context.node(), context.input(0), context.input(1)));
  STROP_RETURN_IF_ERROR(CheckBias(context, geometry.input_channels));
  context.set_output(0, geometry.input_shape());
  return absl::OkStatus();
}

absl::Status InputGradientShape(ShapeContext& context) {
  context.set_output(0, context.input(2));
  return absl::OkStatus();
}

// (X, dY, W) → dW, dB. The channels of dY.
absl::Status WeightGradientShape(ShapeContext& context) {
  context.set_output(0, context.input(2));
  context.set_output(1, {context.input(1)[1]});
  return absl::OkStatus();
}

absl::Status BiasGradientShape(ShapeContext& context) {
  if (context.rank(0) < 2) return context.Mismatch(ShapeName(context.input(0)), "[N,C,…]");
  context.set_output(0, {context.input(0)[1]});
  return absl::OkStatus();
}

// ---- Gradient rules

absl::Status ConvGradient(GradientContext& context) {
  const Attributes& attributes = context.node().attributes;
  const ValueId dy = context.output_gradient(0);
  const ValueId x = context.input(0);
  const ValueId w = context.input(1);
  const bool wants_bias = context.needs_gradient(2);
  if (context.needs_gradient(0)) {
    context.SetInputGradient(0, context.EmitStrop("ConvInputGradient", {dy, w, x}, attributes));
  }
  if (context.needs_gradient(1)) {
    const std::vector<ValueId> gradients = context.EmitIn(
        kStropDomain, "ConvWeightGradient", {x, dy, w}, attributes, wants_bias ? 2 : 1);
    context.SetInputGradient(1, gradients[0]);
    if (wants_bias) context.SetInputGradient(2, gradients[1]);
  } else if (wants_bias) {
    context.SetInputGradient(2, context.EmitStrop("ConvBiasGradient", {dy}));
  }
  return absl::OkStatus();
}

absl::Status ConvTransposeGradient(GradientContext& context) {
  const Attributes& attributes = context.node().attributes;
  const ValueId dy = context.output_gradient(0);
  const ValueId x = context.input(0);
  const ValueId w = context.input(1);
  if (context.needs_gradient(0)) {
    context.SetInputGradient(
        0, context.EmitStrop("ConvTransposeInputGradient", {dy, w, x}, attributes));
  }
  if (context.needs_gradient(1)) {
    context.SetInputGradient(
        1, context.EmitStrop("ConvTransposeWeightGradient", {x, dy, w}, attributes));
  }
  if (context.needs_gradient(2)) {
    context.SetInputGradient(2, context.EmitStrop("ConvBiasGradient", {dy}));
  }
  return absl::OkStatus();
}

// ---- Kernels

using Product = ConvolutionProduct;
using ProductKernel = absl::StatusOr<std::unique_ptr<Kernel>> (*)(const KernelRequest&,
                                                                  const Product&);

// The shapes of the op's X and W, which every rule finds among its operands.
template <GeometryRule kRule, Product::Kind kKind, ProductKernel kMake>
absl::StatusOr<std::unique_ptr<Kernel>> Forward(const KernelRequest& request) {
  STROP_ASSIGN_OR_RETURN(ConvolutionGeometry geometry,
                         kRule(request.node, request.inputs[0].shape, request.inputs[1].shape));
  return kMake(request,
               {.kind = kKind, .geometry = std::move(geometry), .has_bias = request.has_input(2)});
}

// (dY, W, X: shape) → dX.
template <GeometryRule kRule, Product::Kind kKind, ProductKernel kMake>
absl::StatusOr<std::unique_ptr<Kernel>> InputGradient(const KernelRequest& request) {
  STROP_ASSIGN_OR_RETURN(ConvolutionGeometry geometry,
                         kRule(request.node, request.inputs[2].shape, request.inputs[1].shape));
  return kMake(request, {.kind = kKind, .geometry = std::move(geometry), .guide = 2});
}

// (X, dY, W: shape) → dW[, dB]. A transposed convolution exchanges the parts of X and dY.
template <GeometryRule kRule, ProductKernel kMake>
absl::StatusOr<std::unique_ptr<Kernel>> WeightGradient(const KernelRequest& request) {
  STROP_ASSIGN_OR_RETURN(ConvolutionGeometry geometry,
                         kRule(request.node, request.inputs[0].shape, request.inputs[2].shape));
  const bool is_transposed = kRule == &ConvTransposeGeometry;
  return kMake(request, {.kind = Product::Kind::kWeights,
                         .geometry = std::move(geometry),
                         .x = is_transposed ? size_t{1} : size_t{0},
                         .dy = is_transposed ? size_t{0} : size_t{1}});
}

// ---- Facts

// Every element of the convolution's larger side meets a filter: Y[N,O,…] of W[O,C/g,…], and for
// ConvTranspose X[N,C,…] of W[C,O/g,…]; 2 · elements · (elements of W / its first dimension).
double FilterOperations(const Graph& graph, double elements, const Node& node, size_t weights) {
  const double filters = FirstDimension(graph, node.inputs[weights]);
  return 2 * elements * Elements(graph, node.inputs, weights) / std::max(filters, 1.0);
}
double ConvOperations(const Graph& graph, const Node& node) {
  return FilterOperations(graph, Elements(graph, node.outputs, 0), node, 1);
}
double ConvInputGradientOperations(const Graph& graph, const Node& node) {  // (dY, W, X)
  return FilterOperations(graph, Elements(graph, node.inputs, 0), node, 1);
}
double ConvWeightGradientOperations(const Graph& graph, const Node& node) {  // (X, dY, W)
  return FilterOperations(graph, Elements(graph, node.inputs, 1), node, 2);
}
double ConvTransposeOperations(const Graph& graph, const Node& node) {  // (X, W)
  return FilterOperations(graph, Elements(graph, node.inputs, 0), node, 1);
}
double ConvTransposeInputGradientOperations(const Graph& graph, const Node& node) {  // (dY, W, X)
  return FilterOperations(graph, Elements(graph, node.inputs, 2), node, 1);
}
double ConvTransposeWeightGradientOperations(const Graph& graph, const Node& node) {  // (X, dY, W)
  return FilterOperations(graph, Elements(graph, node.inputs, 0), node, 2);
}

// The axis of W that counts output channels.
template <int64_t kAxis>
Shape WeightUnits(const Node&, size_t input, size_t /*rank*/) {
  return input == 1 ? Shape{kAxis} : Shape{};
}

LinearLayer Filters(const Node& node) {
  return {LinearLayer::Weight::kFilters, 1, node.attributes.Int("group", 1)};
}

// ---- Definitions

using CountOperations = double (*)(const Graph& graph, const Node& node);

constexpr auto kForwardKind = Product::Kind::kForward;
constexpr auto kTransposeKind = Product::Kind::kTranspose;

template <GeometryRule kRule, Product::Kind kKind>
std::vector<KernelFactory> ForwardKernels() {
  return {Forward<kRule, kKind, OnednnConvolution>, Forward<kRule, kKind, GenericConvolution>};
}

OpDefinition Convolution(std::string_view name, absl::Status (*shapes)(ShapeContext&),
                         absl::Status (*gradient)(GradientContext&), CountOperations operations,
                         std::vector<KernelFactory> kernels) {
  return {.name = name,
          .since_version = 22,
          .minimum_inputs = 2,
          .maximum_inputs = 3,
          .check_attributes = CheckConvAttributes,
          .shapes = shapes,
          .differentiability = {Differentiability::kDifferentiable},
          .gradient = gradient,
          .kernels = std::move(kernels),
          .roles = {{1, "weight"}, {2, "bias"}},
          .operations = operations,
          .output_units = UnitAxis::kOne,
          .watch = OutputWatch()};
}

OpDefinition Conv() {
  OpDefinition definition = Convolution("Conv", ConvShape, ConvGradient, ConvOperations,
                                        ForwardKernels<ConvGeometry, kForwardKind>());
  definition.unit_axes = WeightUnits<0>;
  definition.linear_layer = Filters;
  return definition;
}

OpDefinition ConvTranspose() {
  OpDefinition definition =
      Convolution("ConvTranspose", ConvTransposeShape, ConvTransposeGradient,
                  ConvTransposeOperations, ForwardKernels<ConvTransposeGeometry, kTransposeKind>());
  definition.unit_axes = WeightUnits<1>;
  return definition;
}

OpDefinition GradientProduct(std::string_view name, absl::Status (*shapes)(ShapeContext&),
                             int maximum_outputs, CountOperations operations,
                             std::vector<KernelFactory> kernels) {
  return {.name = name,
          .domain = kStropDomain,
          .minimum_inputs = 3,
          .maximum_inputs = 3,
          .maximum_outputs = maximum_outputs,
          .check_attributes = CheckConvAttributes,
          .shapes = shapes,
          .differentiability = {Differentiability::kNotImplemented},
          .kernels = std::move(kernels),
          .input_use = {InputUse::kElements, InputUse::kElements, InputUse::kShapeOnly},
          .operations = operations};
}

template <GeometryRule kRule, Product::Kind kKind>
std::vector<KernelFactory> InputGradientKernels() {
  return {InputGradient<kRule, kKind, OnednnConvolution>,
          InputGradient<kRule, kKind, GenericConvolution>};
}

template <GeometryRule kRule>
std::vector<KernelFactory> WeightGradientKernels() {
  return {WeightGradient<kRule, OnednnConvolution>, WeightGradient<kRule, GenericConvolution>};
}

OpDefinition ConvBiasGradient() {
  return {.name = "ConvBiasGradient",
          .domain = kStropDomain,
          .shapes = BiasGradientShape,
          .differentiability = {Differentiability::kNotImplemented},
          .kernels = {ChannelSum}};
}

}  // namespace

const RegisteredFamily kConvolution = {
    "convolution",
    {
        Conv(),
        GradientProduct("ConvInputGradient", InputGradientShape, 1, ConvInputGradientOperations,
                        InputGradientKernels<ConvGeometry, kTransposeKind>()),
        GradientProduct("ConvWeightGradient", WeightGradientShape, 2, ConvWeightGradientOperations,
                        WeightGradientKernels<ConvGeometry>()),
        ConvBiasGradient(),
        ConvTranspose(),
        GradientProduct("ConvTransposeInputGradient", InputGradientShape, 1,
                        ConvTransposeInputGradientOperations,
                        InputGradientKernels<ConvTransposeGeometry, kForwardKind>()),
        GradientProduct("ConvTransposeWeightGradient", WeightGradientShape, 1,
                        ConvTransposeWeightGradientOperations,
                        WeightGradientKernels<ConvTransposeGeometry>()),
    }};

}  // namespace strop
