// LeNet-5 (LeCun et al., "Gradient-based learning applied to document recognition", 1998): two
// convolutions and subsamplings, three full layers. The maps of the second convolution see all of
// the first's, as every later implementation has it.

#include "models/architectures/architecture.h"
#include "models/architectures/classifier.h"
#include "models/builder/layers.h"

namespace strop {
namespace {

// The paper pads 28×28 digits to 32×32.
int64_t PaddingOf(const NetworkValue& image) { return image.shape[2] < 32 ? 2 : 0; }

void BuildLeNet5(NetworkBuilder& builder) {
  const Activation activation = builder.options().activation.value_or(Activation::kTanh);
  const NetworkValue image = ImageInput(builder, {1, 28, 28});
  ConvolutionOptions convolution;
  convolution.kernel = 5;
  convolution.has_bias = true;
  convolution.next = activation;
  convolution.padding = PaddingOf(image);
  NetworkValue x = Convolution(builder, "conv1", image, 6, convolution);
  x = AveragePool(builder, "pool1", Activate(builder, "activation1", x, activation));
  convolution.padding = 0;
  x = Convolution(builder, "conv2", x, 16, convolution);
  x = AveragePool(builder, "pool2", Activate(builder, "activation2", x, activation));
  x = Flatten(builder, "flatten", x);
  LinearOptions linear;
  linear.next = activation;
  x = Activate(builder, "activation3", Linear(builder, "fc1", x, 120, linear), activation);
  x = Activate(builder, "activation4", Linear(builder, "fc2", x, 84, linear), activation);
  ClassLogits(builder, "fc3", x, 10);
}

}  // namespace

std::vector<Architecture> LeNetArchitectures() {
  return {{"lenet5",
           "LeNet-5 for 1x28x28, tanh and average pooling (LeCun et al. 1998)",
           {"input", "classes", "activation"},
           BuildLeNet5}};
}

}  // namespace strop
