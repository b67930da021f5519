#include "models/architectures/classifier.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace strop {

NetworkValue ImageInput(NetworkBuilder& builder, const Shape& own) {
  Shape sample = own;
  if (!builder.options().input.empty()) {
    sample.assign(builder.options().input.begin(), builder.options().input.end());
  }
  if (sample.size() != 3) {
    builder.Fail(absl::StrCat("--input ", absl::StrJoin(sample, "x"),
                              ": expected channels, height and width, for example 3x32x32"));
    sample = own;
  }
  Shape shape = {kUnknownDimension};
  shape.insert(shape.end(), sample.begin(), sample.end());
  return builder.Input("image", onnx::TensorProto::FLOAT, shape, {"batch"});
}

int64_t SingleWidth(NetworkBuilder& builder, int64_t own) {
  const std::vector<int64_t>& width = builder.options().width;
  if (width.empty()) return own;
  if (width.size() > 1) {
    builder.Fail(
        absl::StrCat("--width ", absl::StrJoin(width, ","), ": this architecture has one width"));
  }
  return width[0];
}

void ClassLogits(NetworkBuilder& builder, const std::string& name, const NetworkValue& features,
                 int64_t own_classes) {
  const int64_t classes = builder.options().classes.value_or(own_classes);
  builder.Output(Linear(builder, name, features, classes), "logits", {"batch"});
}

int64_t RoundedChannels(double channels, int64_t divisor) {
  const int64_t nearest = static_cast<int64_t>(channels + static_cast<double>(divisor) / 2);
  const int64_t rounded = std::max(divisor, nearest / divisor * divisor);
  return static_cast<double>(rounded) < 0.9 * channels ? rounded + divisor : rounded;
}

bool HasSmallStem(const NetworkBuilder& builder, const NetworkValue& image) {
  constexpr int64_t kSmallImage = 64;
  return builder.options().has_small_stem.value_or(image.shape[2] <= kSmallImage &&
                                                   image.shape[3] <= kSmallImage);
}

}  // namespace strop
