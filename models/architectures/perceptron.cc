// Multi-layer perceptron: per hidden layer Linear, BatchNormalization, activation, Dropout, and the
// layer's input added where the widths are equal.

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "models/architectures/architecture.h"
#include "models/architectures/classifier.h"
#include "models/builder/layers.h"

namespace strop {
namespace {

constexpr int64_t kFeatures = 784;
constexpr int64_t kWidth = 128;
constexpr int64_t kDepth = 2;
constexpr int64_t kClasses = 10;

NetworkValue FeatureInput(NetworkBuilder& builder) {
  Shape shape = {kUnknownDimension};
  const std::vector<int64_t>& sample = builder.options().input;
  shape.insert(shape.end(), sample.begin(), sample.end());
  if (sample.empty()) shape.push_back(kFeatures);
  return builder.Input("features", onnx::TensorProto::FLOAT, shape, {"batch"});
}

std::vector<int64_t> HiddenWidths(NetworkBuilder& builder) {
  const NetworkOptions& options = builder.options();
  if (options.width.size() > 1) {
    const int64_t given = static_cast<int64_t>(options.width.size());
    if (options.depth.value_or(given) != given) {
      builder.Fail(absl::StrCat("--width ", absl::StrJoin(options.width, ","), " gives ", given,
                                " hidden layers, but --depth is ", *options.depth));
    }
    return options.width;
  }
  const int64_t width = options.width.empty() ? kWidth : options.width[0];
  return std::vector<int64_t>(static_cast<size_t>(options.depth.value_or(kDepth)), width);
}

NetworkValue HiddenLayer(NetworkBuilder& builder, const std::string& path, const NetworkValue& x,
                         int64_t width) {
  const NetworkOptions& options = builder.options();
  const Activation activation = options.activation.value_or(Activation::kRelu);
  LinearOptions linear;
  linear.has_bias = !options.batch_norm;  // the normalization has one
  linear.next = activation;
  NetworkValue y = Linear(builder, path + ".linear", x, width, linear);
  if (options.batch_norm) y = BatchNormalization(builder, path + ".norm", y);
  y = Activate(builder, path + ".activation", y, activation);
  y = Dropout(builder, path + ".dropout", y, options.dropout.value_or(0));
  const bool adds_input = options.residual && x.width() == width;
  return adds_input ? Add(builder, path + ".add", x, y) : y;
}

void BuildPerceptron(NetworkBuilder& builder) {
  NetworkValue x = Flatten(builder, "flatten", FeatureInput(builder));
  int64_t layer = 0;
  for (const int64_t width : HiddenWidths(builder)) {
    x = HiddenLayer(builder, absl::StrCat("hidden.", layer++), x, width);
  }
  ClassLogits(builder, "classifier", x, kClasses);
}

}  // namespace

std::vector<Architecture> PerceptronArchitectures() {
  return {
      {"mlp",
       "multi-layer perceptron: --depth 2 hidden layers of --width 128, ReLU",
       {"input", "classes", "depth", "width", "activation", "batch-norm", "residual", "dropout"},
       BuildPerceptron}};
}

}  // namespace strop
