#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "ops/core/kernel.h"
#include "ops/kernels/window.h"

namespace strop {

// Y[N,O,out…] = W[O,I/groups,kernel…] ∗ X[N,I,in…], with everything known. A transposed convolution
// carries the geometry of the convolution whose transpose it is: its own input is that one's Y.
struct ConvolutionGeometry {
  int64_t batch = 0;
  int64_t groups = 1;
  int64_t input_channels = 0;
  int64_t output_channels = 0;
  Window window;

  int64_t group_inputs() const { return input_channels / groups; }
  int64_t group_outputs() const { return output_channels / groups; }
  Shape input_shape() const;           // of X
  Shape output_shape() const;          // of Y
  Shape weight_shape() const;          // of W, without a group axis
  Shape grouped_weight_shape() const;  // [groups,O/groups,I/groups,kernel…]
};

// Geometry of Conv and its gradients from the shapes of X and W, and the same for ConvTranspose
// (`x` is then the transposed convolution's input).
absl::StatusOr<ConvolutionGeometry> ConvGeometry(const Node& node, const Shape& x, const Shape& w);
absl::StatusOr<ConvolutionGeometry> ConvTransposeGeometry(const Node& node, const Shape& x,
                                                          const Shape& w);

// The three products of a convolution, each the kernel of two operators. Operands by position:
//   forward    (X, W[, B]) → Y                Conv; gradient of ConvTranspose to its input
//   transpose  (dY, W[, B]) → dX              gradient of Conv to its input; ConvTranspose
//   weights    (X, dY) → dW[, dB = Σ dY]      gradient to the weights; of ConvTranspose (dY, X)
struct ConvolutionProduct {
  enum class Kind { kForward, kTranspose, kWeights };
  Kind kind = Kind::kForward;
  ConvolutionGeometry geometry;
  bool has_bias = false;  // of kForward and kTranspose
  size_t x = 0;           // position of X among the inputs of kWeights
  size_t dy = 1;          // and of dY
  // Position of the operator's own X, which says in which layout its neighbours compute.
  size_t guide = 0;
};

// For every type and shape.
absl::StatusOr<std::unique_ptr<Kernel>> GenericConvolution(const KernelRequest& request,
                                                           const ConvolutionProduct& product);

// oneDNN's; nullptr where it has nothing better than a reference.
absl::StatusOr<std::unique_ptr<Kernel>> OnednnConvolution(const KernelRequest& request,
                                                          const ConvolutionProduct& product);

}  // namespace strop
