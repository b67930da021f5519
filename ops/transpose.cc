// Permutations of axes. Everything here is one strided copy.
//
//   Transpose-25     y.shape[i] = x.shape[perm[i]]; reversed axes by default
//                    dx = Transpose(dy, perm⁻¹)
//   DepthToSpace-28  x [N,C·b²,H,W] → y [N,C,H·b,W·b]    dx = SpaceToDepth(dy)
//   SpaceToDepth-28  x [N,C,H·b,W·b] → y [N,C·b²,H,W]    dx = DepthToSpace(dy)
//
// The channel axis of the deep tensor is (b, b, C) in mode DCR and (C, b, b) in mode CRD.

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "ops/core/axes.h"
#include "ops/core/family.h"
#include "ops/kernels/strided_copy.h"

namespace strop {
namespace {

// ---- Attributes

// `perm`, counted from the front; InvalidArgument unless it is a permutation of `rank` axes.
absl::StatusOr<std::vector<int64_t>> Permutation(const Node& node, int64_t rank) {
  std::vector<int64_t> permutation = node.attributes.Ints("perm");
  if (!node.attributes.Has("perm")) {
    for (int64_t axis = rank; axis-- > 0;) permutation.push_back(axis);
  }
  STROP_RETURN_IF_ERROR(AxesOf(node, permutation, rank).status());
  if (static_cast<int64_t>(permutation.size()) != rank) {
    return absl::InvalidArgumentError(absl::StrCat(NodeLabel(node), ": found a perm of ",
                                                   permutation.size(), " axes, expected ", rank));
  }
  for (int64_t& axis : permutation) axis += axis < 0 ? rank : 0;
  return permutation;
}

struct BlockAttributes {
  int64_t block;
  bool channel_first;  // mode CRD

  explicit BlockAttributes(const Node& node)
      : block(node.attributes.Int("blocksize", 0)),
        channel_first(node.attributes.String("mode", "DCR") == "CRD") {}
};

absl::Status CheckBlockAttributes(const Node& node) {
  const std::string mode = node.attributes.String("mode", "DCR");
  const int64_t block = node.attributes.Int("blocksize", 0);
  if (block < 1 || block > (int64_t{1} << 20) || (mode != "DCR" && mode != "CRD")) {
    return absl::InvalidArgumentError(absl::StrCat(NodeLabel(node), ": found blocksize ", block,
                                                   " and mode \"", mode,
                                                   "\", expected a blocksize ≥ 1, DCR or CRD"));
  }
  return absl::OkStatus();
}

// ---- Type rules

absl::Status TransposeShape(ShapeContext& context) {
  STROP_ASSIGN_OR_RETURN(const std::vector<int64_t> permutation,
                         Permutation(context.node(), context.rank(0)));
  Shape shape;
  for (const int64_t axis : permutation) {
    shape.push_back(context.input(0)[static_cast<size_t>(axis)]);
  }
  context.set_output(0, std::move(shape));
  return absl::OkStatus();
}

absl::Status DepthToSpaceShape(ShapeContext& context) {
  const Shape& x = context.input(0);
  const int64_t block = BlockAttributes(context.node()).block;
  if (x.size() != 4 || x[1] % (block * block) != 0) {
    return context.Mismatch("an input of shape " + ShapeName(x),
                            absl::StrCat("[N,C,H,W] with C a multiple of ", block * block));
  }
  context.set_output(0, {x[0], x[1] / (block * block), x[2] * block, x[3] * block});
  return absl::OkStatus();
}

absl::Status SpaceToDepthShape(ShapeContext& context) {
  const Shape& x = context.input(0);
  const int64_t block = BlockAttributes(context.node()).block;
  if (x.size() != 4 || x[2] % block != 0 || x[3] % block != 0) {
    return context.Mismatch("an input of shape " + ShapeName(x),
                            absl::StrCat("[N,C,H,W] with H and W multiples of ", block));
  }
  context.set_output(0, {x[0], x[1] * block * block, x[2] / block, x[3] / block});
  return absl::OkStatus();
}

// ---- Gradient rules

absl::Status TransposeGradient(GradientContext& context) {
  const std::vector<int64_t> permutation = context.node().attributes.Ints("perm");
  Attributes attributes;
  if (context.node().attributes.Has("perm")) {
    const auto rank = static_cast<int64_t>(permutation.size());
    std::vector<int64_t> inverse(permutation.size());
    for (int64_t i = 0; i < rank; ++i) {
      STROP_ASSIGN_OR_RETURN(const int64_t axis,
                             AxisOf(context.node(), permutation[static_cast<size_t>(i)], rank));
      inverse[static_cast<size_t>(axis)] = i;
    }
    attributes.Set("perm", std::move(inverse));
  }
  context.SetInputGradient(
      0, context.Emit("Transpose", {context.output_gradient(0)}, std::move(attributes)));
  return absl::OkStatus();
}

absl::Status DepthToSpaceGradient(GradientContext& context) {
  context.SetInputGradient(
      0, context.Emit("SpaceToDepth", {context.output_gradient(0)}, context.node().attributes));
  return absl::OkStatus();
}

absl::Status SpaceToDepthGradient(GradientContext& context) {
  context.SetInputGradient(
      0, context.Emit("DepthToSpace", {context.output_gradient(0)}, context.node().attributes));
  return absl::OkStatus();
}

// ---- Kernels

// The copy that writes, densely, the array of shape `shape` with its axes permuted.
StridedBox PermutationBox(const Shape& shape, absl::Span<const int64_t> permutation) {
  const Shape strides = DenseStrides(shape);
  StridedBox box;
  for (const int64_t axis : permutation) {
    box.shape.push_back(shape[static_cast<size_t>(axis)]);
    box.source_strides.push_back(strides[static_cast<size_t>(axis)]);
  }
  box.destination_strides = DenseStrides(box.shape);
  return box;
}

absl::StatusOr<std::unique_ptr<Kernel>> TransposeGeneric(const KernelRequest& request) {
  STROP_ASSIGN_OR_RETURN(const std::vector<int64_t> permutation,
                         Permutation(request.node, request.inputs[0].rank()));
  return StridedCopyKernel(request, PermutationBox(request.inputs[0].shape, permutation));
}

absl::StatusOr<std::unique_ptr<Kernel>> DepthToSpaceGeneric(const KernelRequest& request) {
  const BlockAttributes attributes(request.node);
  const int64_t b = attributes.block;
  const Shape& x = request.inputs[0].shape;
  const int64_t channels = request.outputs[0].shape[1];
  if (attributes.channel_first) {
    return StridedCopyKernel(
        request, PermutationBox({x[0], channels, b, b, x[2], x[3]}, {0, 1, 4, 2, 5, 3}));
  }
  return StridedCopyKernel(request,
                           PermutationBox({x[0], b, b, channels, x[2], x[3]}, {0, 3, 4, 1, 5, 2}));
}

absl::StatusOr<std::unique_ptr<Kernel>> SpaceToDepthGeneric(const KernelRequest& request) {
  const BlockAttributes attributes(request.node);
  const int64_t b = attributes.block;
  const Shape& y = request.outputs[0].shape;
  const Shape blocks = {y[0], request.inputs[0].shape[1], y[2], b, y[3], b};
  if (attributes.channel_first) {
    return StridedCopyKernel(request, PermutationBox(blocks, {0, 1, 3, 5, 2, 4}));
  }
  return StridedCopyKernel(request, PermutationBox(blocks, {0, 3, 5, 1, 2, 4}));
}

}  // namespace

// ---- Definitions

const RegisteredFamily kTranspose = {"transpose",
                                     {
                                         {.name = "Transpose",
                                          .since_version = 25,
                                          .shapes = TransposeShape,
                                          .differentiability = {Differentiability::kDifferentiable},
                                          .gradient = TransposeGradient,
                                          .kernels = {TransposeGeneric},
                                          .element_move = ElementMove::kReordered},
                                         {.name = "DepthToSpace",
                                          .since_version = 28,
                                          .check_attributes = CheckBlockAttributes,
                                          .shapes = DepthToSpaceShape,
                                          .differentiability = {Differentiability::kDifferentiable},
                                          .gradient = DepthToSpaceGradient,
                                          .kernels = {DepthToSpaceGeneric}},
                                         {.name = "SpaceToDepth",
                                          .since_version = 28,
                                          .check_attributes = CheckBlockAttributes,
                                          .shapes = SpaceToDepthShape,
                                          .differentiability = {Differentiability::kDifferentiable},
                                          .gradient = SpaceToDepthGradient,
                                          .kernels = {SpaceToDepthGeneric}},
                                     }};

}  // namespace strop
