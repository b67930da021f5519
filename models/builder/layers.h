#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "models/builder/activation.h"
#include "models/builder/network_builder.h"

namespace strop {

// torch.nn's layers. `name` is the module's path: parameters are "<name>.weight", "<name>.bias".
// `next` is the activation that follows, whose gain the weight takes.

// x [N, …, in] to [N, …, units]. Of rank 2 a Gemm with PyTorch's weight [units, in], else a MatMul
// with the weight [in, units], as exporters write it.
struct LinearOptions {
  bool has_bias = true;
  Activation next = Activation::kIdentity;
  std::optional<FirstValue> first_weight;
};
NetworkValue Linear(NetworkBuilder& builder, const std::string& name, const NetworkValue& x,
                    int64_t units, const LinearOptions& options = {});

// x [N, C, H, W] to [N, channels, H', W']; the weight is [channels, C/groups, kernel, kernel].
struct ConvolutionOptions {
  int64_t kernel = 3;
  int64_t stride = 1;
  int64_t padding = 0;
  int64_t groups = 1;
  bool has_bias = false;
  Activation next = Activation::kRelu;
};
NetworkValue Convolution(NetworkBuilder& builder, const std::string& name, const NetworkValue& x,
                         int64_t channels, const ConvolutionOptions& options);

// x [N, C, H, W] to [N, channels, 2·H, 2·W] with a 2×2 kernel of stride 2; has a bias.
NetworkValue DoublingConvolution(NetworkBuilder& builder, const std::string& name,
                                 const NetworkValue& x, int64_t channels);

// Of [N, C, …], in inference form: `strop train --batch-norm train` makes it learn. `momentum` is
// PyTorch's, the weight of the newest batch.
struct BatchNormalizationOptions {
  float epsilon = 1e-5f;
  float momentum = 0.1f;
};
NetworkValue BatchNormalization(NetworkBuilder& builder, const std::string& name,
                                const NetworkValue& x,
                                const BatchNormalizationOptions& options = {});

// Over the last dimension; written out below opset 17.
NetworkValue LayerNormalization(NetworkBuilder& builder, const std::string& name,
                                const NetworkValue& x, float epsilon);

// One operator where the opset has it, else several.
NetworkValue Activate(NetworkBuilder& builder, const std::string& name, const NetworkValue& x,
                      Activation activation);

struct PoolingOptions {
  int64_t kernel = 2;
  int64_t stride = 2;
  int64_t padding = 0;
};
NetworkValue MaxPool(NetworkBuilder& builder, const std::string& name, const NetworkValue& x,
                     const PoolingOptions& options = {});
NetworkValue AveragePool(NetworkBuilder& builder, const std::string& name, const NetworkValue& x,
                         const PoolingOptions& options = {});
// [N, C, H, W] to [N, C, 1, 1].
NetworkValue GlobalAveragePool(NetworkBuilder& builder, const std::string& name,
                               const NetworkValue& x);

// [N, …] to [N, product]; the dimensions behind the first must be known.
NetworkValue Flatten(NetworkBuilder& builder, const std::string& name, const NetworkValue& x);

// Rests at inference; `strop train --dropout on` wakes it. Nothing at a rate of 0.
NetworkValue Dropout(NetworkBuilder& builder, const std::string& name, const NetworkValue& x,
                     double rate);

// `b` may be broadcast to the shape of `a`.
NetworkValue Add(NetworkBuilder& builder, const std::string& name, const NetworkValue& a,
                 const NetworkValue& b);
NetworkValue Multiply(NetworkBuilder& builder, const std::string& name, const NetworkValue& a,
                      const NetworkValue& b);
NetworkValue Concatenate(NetworkBuilder& builder, const std::string& name,
                         const std::vector<NetworkValue>& parts, int64_t axis);
// ONNX's Reshape: 0 copies a dimension, -1 takes the rest. `shape` is what comes out.
NetworkValue Reshape(NetworkBuilder& builder, const std::string& name, const NetworkValue& x,
                     const std::vector<int64_t>& request, Shape shape);
NetworkValue Transpose(NetworkBuilder& builder, const std::string& name, const NetworkValue& x,
                       const std::vector<int64_t>& permutation);

// ids [N, T] to [N, T, width], from a table N(0, deviation²) called "<name>.weight".
NetworkValue Embedding(NetworkBuilder& builder, const std::string& name, const NetworkValue& ids,
                       int64_t rows, int64_t width, double deviation);

}  // namespace strop
