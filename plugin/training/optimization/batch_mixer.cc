#include "plugin/training/optimization/batch_mixer.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "graph/visit_type.h"

namespace strop {
namespace {

constexpr uint64_t kStream = 0xB1E0D000;  // away from those of random nodes and augmentation

absl::Status Unsuitable(const MixOptions& options, const std::string& problem) {
  return absl::InvalidArgumentError(
      absl::StrCat("train: --", options.cutmix_alpha > 0 ? "cutmix" : "mixup", ": ", problem));
}

// A tensor as rows of the samples.
struct Rows {
  int64_t count = 0;
  int64_t length = 0;

  explicit Rows(const Tensor& tensor)
      : count(tensor.shape()[0]), length(count == 0 ? 0 : tensor.element_count() / count) {}
  // The row whose sample comes to `row` when the batch is rolled by one.
  int64_t Rolled(int64_t row) const { return (row + count - 1) % count; }
};

// share · tensor + (1 − share) · rolled tensor
absl::StatusOr<Tensor> Blend(const Tensor& tensor, double share) {
  Tensor blended(tensor.type(), tensor.shape());
  const Rows rows(tensor);
  const auto blend = [&]<typename T>() {
    using C = ComputeType<T>;
    const auto own = static_cast<C>(share);
    const auto other = static_cast<C>(1 - share);
    const T* from = static_cast<const T*>(tensor.data());
    T* to = static_cast<T*>(blended.mutable_data());
    for (int64_t row = 0; row < rows.count; ++row) {
      const T* mine = from + row * rows.length;
      const T* rolled = from + rows.Rolled(row) * rows.length;
      for (int64_t i = 0; i < rows.length; ++i) {
        to[row * rows.length + i] =
            static_cast<T>(own * static_cast<C>(mine[i]) + other * static_cast<C>(rolled[i]));
      }
    }
    return absl::OkStatus();
  };
  STROP_RETURN_IF_ERROR(VisitFloating(tensor.type(), "mixing", blend));
  return blended;
}

// torchvision's box: its centre anywhere, its sides √(1 − share) of the image's, cut at the edges.
ImageBox DrawBox(RandomDraws& draws, double share, ImageSize size) {
  const int64_t x = draws.Below(size.width);
  const int64_t y = draws.Below(size.height);
  const double half = 0.5 * std::sqrt(1 - share);
  const auto half_width = static_cast<int64_t>(half * static_cast<double>(size.width));
  const auto half_height = static_cast<int64_t>(half * static_cast<double>(size.height));
  ImageBox box;
  box.left = std::max<int64_t>(x - half_width, 0);
  box.top = std::max<int64_t>(y - half_height, 0);
  box.width = std::min(x + half_width, size.width) - box.left;
  box.height = std::min(y + half_height, size.height) - box.top;
  return box;
}

// The images with a box of the rolled ones.
Tensor Paste(const Tensor& images, const ImageBox& box, ImageSize size, bool is_channels_first) {
  Tensor pasted(images.type(), images.shape());
  const Rows rows(images);
  const int64_t planes = is_channels_first ? images.shape()[1] : 1;
  const int64_t pixel_elements = is_channels_first ? 1 : images.shape()[3];
  const size_t pixel_bytes = BytesFor(images.type(), pixel_elements);
  const char* from = static_cast<const char*>(images.data());
  char* to = static_cast<char*>(pasted.mutable_data());
  std::copy_n(from, BytesFor(images.type(), images.element_count()), to);
  for (int64_t row = 0; row < rows.count; ++row) {
    for (int64_t plane = 0; plane < planes; ++plane) {
      for (int64_t y = box.top; y < box.top + box.height; ++y) {
        const auto at = [&](int64_t sample) {
          const int64_t line = (sample * planes + plane) * size.height + y;
          return static_cast<size_t>(line * size.width + box.left) * pixel_bytes;
        };
        std::copy_n(from + at(rows.Rolled(row)), static_cast<size_t>(box.width) * pixel_bytes,
                    to + at(row));
      }
    }
  }
  return pasted;
}

absl::Status CheckInputs(const MixOptions& options, const std::vector<InputInterface>& inputs) {
  for (const InputInterface& input : inputs) {
    if (IsFloating(input.type.element_type)) continue;
    return Unsuitable(options, absl::StrCat("input \"", input.name, "\" holds ",
                                            std::string(DataTypeName(input.type.element_type)),
                                            ", which cannot be mixed; leave it out"));
  }
  if (options.cutmix_alpha == 0) return absl::OkStatus();
  const bool has_images =
      inputs.size() == 1 && (!inputs[0].type.shape || inputs[0].type.shape->size() == 4);
  if (has_images) return absl::OkStatus();
  return Unsuitable(options, absl::StrCat("found ", inputs.size(), " inputs, the first ",
                                          TypeName(inputs[0].type),
                                          ", expected one of images [N,C,H,W]; use --mixup"));
}

}  // namespace

double DrawMixingShare(RandomDraws& draws, double alpha) {
  std::gamma_distribution<double> gamma(alpha, 1.0);
  const double one = gamma(draws);
  const double other = gamma(draws);
  if (one + other > 0) return one / (one + other);
  return draws.Uniform() < 0.5 ? 0 : 1;  // so small an alpha that both vanish
}

absl::StatusOr<BatchMixer> BatchMixer::Create(const MixOptions& options, uint64_t seed,
                                              LossKind loss,
                                              const std::vector<InputInterface>& inputs,
                                              const TargetInterface& target,
                                              const TensorType& step_target) {
  BatchMixer mixer;
  mixer.options_ = options;
  mixer.seed_ = seed;
  mixer.target_ = target;
  mixer.step_target_ = step_target;
  if (options.are_default()) return mixer;
  if (!(options.mixup_alpha >= 0 && options.cutmix_alpha >= 0)) {
    return Unsuitable(options, "expected an alpha above 0");
  }
  if (loss != LossKind::kCrossEntropy && loss != LossKind::kBinaryCrossEntropy) {
    return Unsuitable(options,
                      "the loss has no class probabilities to mix, expected cross_entropy "
                      "or binary_cross_entropy; see --loss");
  }
  if (target.weight_type) {
    return Unsuitable(options,
                      "found weights of samples, which are not mixed; leave --sample-weight out");
  }
  STROP_RETURN_IF_ERROR(CheckInputs(options, inputs));
  const std::optional<Shape>& shape = step_target.shape;
  if (!shape || shape->empty() || shape->size() > 2) {
    return Unsuitable(options, absl::StrCat("found targets ", TypeName(step_target),
                                            ", expected one label a sample; leave it out"));
  }
  if (target.kind == TargetInterface::Kind::kClasses && (*shape)[1] == kUnknownDimension) {
    return Unsuitable(options,
                      "the model does not say how many classes its output has; export it "
                      "with a fixed number");
  }
  mixer.is_channels_first_ =
      ImageLayoutOf({.layout = options.layout}, inputs[0].type) == ImageLayout::kChannelsFirst;
  return mixer;
}

absl::StatusOr<Tensor> BatchMixer::Probabilities(const Tensor& target) const {
  if (target_.kind != TargetInterface::Kind::kClasses) return target;
  const absl::Span<const int64_t> labels = target.elements<int64_t>();
  const int64_t classes = (*step_target_.shape)[1];
  Tensor probabilities(step_target_.element_type, {static_cast<int64_t>(labels.size()), classes});
  const auto fill = [&]<typename T>() -> absl::Status {
    T* row = static_cast<T*>(probabilities.mutable_data());
    std::fill_n(row, probabilities.element_count(), static_cast<T>(0.0f));
    for (const int64_t label : labels) {
      if (label == target_.ignore_index) {
        return Unsuitable(options_, absl::StrCat("found a target of ", label,
                                                 ", which is ignored "
                                                 "and cannot be mixed; leave such samples out"));
      }
      row[label] = static_cast<T>(1.0f);
      row += classes;
    }
    return absl::OkStatus();
  };
  STROP_RETURN_IF_ERROR(VisitFloating(step_target_.element_type, "mixing", fill));
  return probabilities;
}

absl::StatusOr<absl::Span<const Tensor>> BatchMixer::Mix(absl::Span<const Tensor> batch,
                                                         int64_t number) {
  if (options_.are_default()) return batch;
  RandomDraws draws(seed_, kStream, static_cast<uint64_t>(number));
  const bool has_both = options_.mixup_alpha > 0 && options_.cutmix_alpha > 0;
  const bool cuts = has_both ? draws.Uniform() < 0.5 : options_.cutmix_alpha > 0;
  double share = DrawMixingShare(draws, cuts ? options_.cutmix_alpha : options_.mixup_alpha);
  mixed_.clear();
  if (cuts) {
    const Tensor& images = batch[0];
    const Shape& shape = images.shape();
    if (shape.size() != 4) {
      return Unsuitable(options_, absl::StrCat("found samples ", ShapeName(shape),
                                               ", expected images [N,C,H,W]; use --mixup"));
    }
    const size_t first = is_channels_first_ ? 2 : 1;
    const ImageSize size{shape[first], shape[first + 1]};
    const ImageBox box = DrawBox(draws, share, size);
    mixed_.push_back(Paste(images, box, size, is_channels_first_));
    share = 1 - static_cast<double>(box.height * box.width) /
                    static_cast<double>(size.height * size.width);
  } else {
    for (const Tensor& input : batch.first(batch.size() - 1)) {
      STROP_ASSIGN_OR_RETURN(Tensor blended, Blend(input, share));
      mixed_.push_back(std::move(blended));
    }
  }
  STROP_ASSIGN_OR_RETURN(const Tensor probabilities, Probabilities(batch.back()));
  STROP_ASSIGN_OR_RETURN(Tensor target, Blend(probabilities, share));
  mixed_.push_back(std::move(target));
  return absl::MakeConstSpan(mixed_);
}

}  // namespace strop
