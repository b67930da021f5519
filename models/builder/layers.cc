#include "models/builder/layers.h"

#include "absl/strings/str_cat.h"
#include "graph/tensor_type.h"

namespace strop {
namespace {

NetworkValue Constant(NetworkBuilder& builder, const std::string& name, int64_t length,
                      double element, bool is_trained = true) {
  return builder.Parameter(name, {length}, {Distribution::kConstant, element}, is_trained);
}

int64_t WindowCount(int64_t size, int64_t kernel, int64_t stride, int64_t padding) {
  const int64_t room = size + 2 * padding - kernel;
  return room < 0 ? 0 : room / stride + 1;
}

Shape Windows(const NetworkValue& x, int64_t channels, int64_t kernel, int64_t stride,
              int64_t padding) {
  return {x.shape[0], channels, WindowCount(x.shape[2], kernel, stride, padding),
          WindowCount(x.shape[3], kernel, stride, padding)};
}

std::vector<NodeAttribute> WindowAttributes(int64_t kernel, int64_t stride, int64_t padding) {
  return {{"kernel_shape", std::vector<int64_t>{kernel, kernel}},
          {"strides", std::vector<int64_t>{stride, stride}},
          {"pads", std::vector<int64_t>(4, padding)}};
}

NetworkValue Pool(NetworkBuilder& builder, const std::string& name, std::string_view op_type,
                  const NetworkValue& x, const PoolingOptions& options) {
  return builder.Node(name, op_type, {x},
                      Windows(x, x.channels(), options.kernel, options.stride, options.padding),
                      WindowAttributes(options.kernel, options.stride, options.padding));
}

}  // namespace

NetworkValue Linear(NetworkBuilder& builder, const std::string& name, const NetworkValue& x,
                    int64_t units, const LinearOptions& options) {
  const int64_t inputs = x.width();
  const bool is_gemm = x.shape.size() == 2;
  const Shape weight_shape = is_gemm ? Shape{units, inputs} : Shape{inputs, units};
  const FirstValue first_weight = options.first_weight.value_or(
      FirstWeight(builder.initialization(), GainOf(options.next), inputs, units, weight_shape[0],
                  /*is_convolution=*/false));
  const NetworkValue weight = builder.Parameter(name + ".weight", weight_shape, first_weight);
  Shape shape = x.shape;
  shape.back() = units;
  if (is_gemm) {
    std::vector<NetworkValue> inputs_of_gemm = {x, weight};
    if (options.has_bias) {
      inputs_of_gemm.push_back(Constant(builder, name + ".bias", units, 0));
    }
    return builder.Node(name, "Gemm", inputs_of_gemm, shape, {{"transB", 1}});
  }
  if (!options.has_bias) return builder.Node(name, "MatMul", {x, weight}, shape);
  const NetworkValue product = builder.Node(name + "/MatMul", "MatMul", {x, weight}, shape);
  return builder.Node(name, "Add", {product, Constant(builder, name + ".bias", units, 0)}, shape);
}

NetworkValue Convolution(NetworkBuilder& builder, const std::string& name, const NetworkValue& x,
                         int64_t channels, const ConvolutionOptions& options) {
  const int64_t area = options.kernel * options.kernel;
  const int64_t inputs = x.channels() / options.groups;
  const FirstValue first_weight =
      FirstWeight(builder.initialization(), GainOf(options.next), inputs * area,
                  channels / options.groups * area, channels, /*is_convolution=*/true);
  std::vector<NetworkValue> operands = {
      x, builder.Parameter(name + ".weight", {channels, inputs, options.kernel, options.kernel},
                           first_weight)};
  if (options.has_bias) operands.push_back(Constant(builder, name + ".bias", channels, 0));
  std::vector<NodeAttribute> attributes =
      WindowAttributes(options.kernel, options.stride, options.padding);
  attributes.emplace_back("group", options.groups);
  return builder.Node(name, "Conv", operands,
                      Windows(x, channels, options.kernel, options.stride, options.padding),
                      attributes);
}

NetworkValue DoublingConvolution(NetworkBuilder& builder, const std::string& name,
                                 const NetworkValue& x, int64_t channels) {
  // Stride and kernel are equal: every output sees one pixel of the input.
  const FirstValue first_weight =
      FirstWeight(builder.initialization(), GainOf(Activation::kIdentity), x.channels(),
                  channels * 4, x.channels(), /*is_convolution=*/true);
  const NetworkValue weight =
      builder.Parameter(name + ".weight", {x.channels(), channels, 2, 2}, first_weight);
  return builder.Node(
      name, "ConvTranspose", {x, weight, Constant(builder, name + ".bias", channels, 0)},
      {x.shape[0], channels, x.shape[2] * 2, x.shape[3] * 2}, WindowAttributes(2, 2, 0));
}

NetworkValue BatchNormalization(NetworkBuilder& builder, const std::string& name,
                                const NetworkValue& x, const BatchNormalizationOptions& options) {
  const int64_t channels = x.channels();
  return builder.Node(name, "BatchNormalization",
                      {x, Constant(builder, name + ".weight", channels, 1),
                       Constant(builder, name + ".bias", channels, 0),
                       Constant(builder, name + ".running_mean", channels, 0, /*is_trained=*/false),
                       Constant(builder, name + ".running_var", channels, 1, /*is_trained=*/false)},
                      x.shape, {{"epsilon", options.epsilon}, {"momentum", 1 - options.momentum}});
}

NetworkValue LayerNormalization(NetworkBuilder& builder, const std::string& name,
                                const NetworkValue& x, float epsilon) {
  const NetworkValue scale = Constant(builder, name + ".weight", x.width(), 1);
  const NetworkValue bias = Constant(builder, name + ".bias", x.width(), 0);
  if (builder.opset() >= 17) {
    return builder.Node(name, "LayerNormalization", {x, scale, bias}, x.shape,
                        {{"axis", -1}, {"epsilon", epsilon}});
  }
  Shape one = x.shape;
  one.back() = 1;
  const auto mean_of = [&](const std::string& part, const NetworkValue& value) {
    return builder.Node(name + part, "ReduceMean", {value}, one,
                        {{"axes", std::vector<int64_t>{-1}}, {"keepdims", 1}});
  };
  const NetworkValue centered =
      builder.Node(name + "/Sub", "Sub", {x, mean_of("/mean", x)}, x.shape);
  const NetworkValue squares = Multiply(builder, name + "/square", centered, centered);
  const NetworkValue shifted =
      Add(builder, name + "/epsilon", mean_of("/variance", squares), builder.FloatScalar(epsilon));
  const NetworkValue deviation = builder.Node(name + "/Sqrt", "Sqrt", {shifted}, one);
  const NetworkValue normal = builder.Node(name + "/Div", "Div", {centered, deviation}, x.shape);
  return Add(builder, name, Multiply(builder, name + "/scale", normal, scale), bias);
}

NetworkValue MaxPool(NetworkBuilder& builder, const std::string& name, const NetworkValue& x,
                     const PoolingOptions& options) {
  return Pool(builder, name, "MaxPool", x, options);
}

NetworkValue AveragePool(NetworkBuilder& builder, const std::string& name, const NetworkValue& x,
                         const PoolingOptions& options) {
  return Pool(builder, name, "AveragePool", x, options);
}

NetworkValue GlobalAveragePool(NetworkBuilder& builder, const std::string& name,
                               const NetworkValue& x) {
  return builder.Node(name, "GlobalAveragePool", {x}, {x.shape[0], x.channels(), 1, 1});
}

NetworkValue Flatten(NetworkBuilder& builder, const std::string& name, const NetworkValue& x) {
  if (x.shape.size() == 2) return x;
  int64_t product = 1;
  for (size_t i = 1; i < x.shape.size(); ++i) product *= x.shape[i];
  return builder.Node(name, "Flatten", {x}, {x.shape[0], product}, {{"axis", 1}});
}

NetworkValue Dropout(NetworkBuilder& builder, const std::string& name, const NetworkValue& x,
                     double rate) {
  if (rate == 0) return x;
  return builder.Node(name, "Dropout", {x, builder.FloatScalar(static_cast<float>(rate))}, x.shape);
}

NetworkValue Add(NetworkBuilder& builder, const std::string& name, const NetworkValue& a,
                 const NetworkValue& b) {
  return builder.Node(name, "Add", {a, b}, a.shape);
}

NetworkValue Multiply(NetworkBuilder& builder, const std::string& name, const NetworkValue& a,
                      const NetworkValue& b) {
  return builder.Node(name, "Mul", {a, b}, a.shape);
}

NetworkValue Concatenate(NetworkBuilder& builder, const std::string& name,
                         const std::vector<NetworkValue>& parts, int64_t axis) {
  Shape shape = parts[0].shape;
  const size_t index = static_cast<size_t>(axis);
  for (size_t i = 1; i < parts.size(); ++i) shape[index] += parts[i].shape[index];
  return builder.Node(name, "Concat", parts, shape, {{"axis", axis}});
}

NetworkValue Reshape(NetworkBuilder& builder, const std::string& name, const NetworkValue& x,
                     const std::vector<int64_t>& request, Shape shape) {
  return builder.Node(name, "Reshape", {x, builder.Integers(request)}, std::move(shape));
}

NetworkValue Transpose(NetworkBuilder& builder, const std::string& name, const NetworkValue& x,
                       const std::vector<int64_t>& permutation) {
  Shape shape;
  for (const int64_t axis : permutation) shape.push_back(x.shape[static_cast<size_t>(axis)]);
  return builder.Node(name, "Transpose", {x}, shape, {{"perm", permutation}});
}

NetworkValue Embedding(NetworkBuilder& builder, const std::string& name, const NetworkValue& ids,
                       int64_t rows, int64_t width, double deviation) {
  const NetworkValue table =
      builder.Parameter(name + ".weight", {rows, width}, {Distribution::kNormal, deviation});
  Shape shape = ids.shape;
  shape.push_back(width);
  return builder.Node(name, "Gather", {table, ids}, shape, {{"axis", 0}});
}

}  // namespace strop
