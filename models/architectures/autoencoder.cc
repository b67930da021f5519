// Autoencoder (Hinton and Salakhutdinov, "Reducing the dimensionality of data with neural
// networks", 2006): full layers that narrow to a code, and the same widths back to the features.
// Trained with `strop train --loss mse` and the features as the target.

#include "absl/strings/str_cat.h"
#include "models/architectures/architecture.h"
#include "models/architectures/classifier.h"
#include "models/builder/layers.h"

namespace strop {
namespace {

constexpr int64_t kFeatures = 784;

NetworkValue Layer(NetworkBuilder& builder, const std::string& path, const NetworkValue& x,
                   int64_t units, Activation activation) {
  LinearOptions linear;
  linear.next = activation;
  const NetworkValue y = Linear(builder, path, x, units, linear);
  return Activate(builder, path + ".activation", y, activation);
}

void BuildAutoencoder(NetworkBuilder& builder) {
  const NetworkOptions& options = builder.options();
  const Activation activation = options.activation.value_or(Activation::kRelu);
  const std::vector<int64_t> widths =
      options.width.empty() ? std::vector<int64_t>{128, 64, 32} : options.width;
  Shape shape = {kUnknownDimension};
  shape.insert(shape.end(), options.input.begin(), options.input.end());
  if (options.input.empty()) shape.push_back(kFeatures);
  const NetworkValue features =
      builder.Input("features", onnx::TensorProto::FLOAT, shape, {"batch"});
  NetworkValue x = Flatten(builder, "flatten", features);
  const int64_t inputs = x.width();
  for (size_t i = 0; i < widths.size(); ++i) {
    const bool is_code = i + 1 == widths.size();
    x = Layer(builder, absl::StrCat("encoder.", i), x, widths[i],
              is_code ? Activation::kIdentity : activation);
  }
  for (size_t i = widths.size() - 1; i-- > 0;) {
    x = Layer(builder, absl::StrCat("decoder.", widths.size() - 2 - i), x, widths[i], activation);
  }
  x = Layer(builder, absl::StrCat("decoder.", widths.size() - 1), x, inputs, Activation::kIdentity);
  if (shape.size() > 2) {
    std::vector<int64_t> request(shape.begin(), shape.end());
    request[0] = 0;
    x = Reshape(builder, "unflatten", x, request, shape);
  }
  builder.Output(x, "reconstruction", {"batch"});
}

}  // namespace

std::vector<Architecture> AutoencoderArchitectures() {
  return {{"autoencoder",
           "autoencoder of --width 128,64,32 and back (Hinton and Salakhutdinov 2006)",
           {"input", "width", "activation"},
           BuildAutoencoder}};
}

}  // namespace strop
