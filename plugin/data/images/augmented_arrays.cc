#include "plugin/data/images/augmented_arrays.h"

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "ops/kernels/parallel_for.h"
#include "plugin/data/images/image_geometry.h"
#include "plugin/data/images/picture_shape.h"

namespace strop {
namespace {

// What one unit of a pixel is when pixels go from 0 to 1.
template <typename T>
constexpr float kUnit = std::is_same_v<T, uint8_t> ? 255.0f : 1.0f;

class AugmentedArrays : public DataSource {
 public:
  AugmentedArrays(std::unique_ptr<DataSource> source, size_t field, const PictureShape& shape,
                  std::vector<float> erased, const AugmentationOptions& augmentation)
      : source_(std::move(source)),
        field_(field),
        shape_(shape),
        erased_(std::move(erased)),
        augmentation_(augmentation) {}

  int64_t sample_count() const override { return source_->sample_count(); }
  const std::vector<DataField>& fields() const override { return source_->fields(); }
  const std::string& origin() const override { return source_->origin(); }
  absl::Span<const std::string> class_names() const override { return source_->class_names(); }
  std::string FileOf(int64_t index) const override { return source_->FileOf(index); }
  const Tensor* whole_array(size_t field) const override { return source_->whole_array(field); }

  absl::Status Read(absl::Span<const int64_t> indices, absl::Span<Tensor> batch) override {
    return source_->Read(indices, batch);
  }

  absl::Status ReadField(size_t field, absl::Span<const int64_t> indices, Tensor& values) override {
    return source_->ReadField(field, indices, values);
  }

  absl::Status ReadAugmented(absl::Span<const int64_t> indices, const AugmentationKey& key,
                             absl::Span<Tensor> batch) override {
    STROP_RETURN_IF_ERROR(source_->Read(indices, batch));
    Tensor& samples = batch[field_];
    switch (samples.type()) {
      case DataType::kUint8:
        return AugmentAll(indices, key, static_cast<uint8_t*>(samples.mutable_data()));
      case DataType::kDouble:
        return AugmentAll(indices, key, static_cast<double*>(samples.mutable_data()));
      default:
        return AugmentAll(indices, key, static_cast<float*>(samples.mutable_data()));
    }
  }

 private:
  template <typename T>
  absl::Status AugmentAll(absl::Span<const int64_t> indices, const AugmentationKey& key,
                          T* samples) const {
    std::vector<absl::Status> statuses(indices.size());
    ParallelFor(static_cast<int64_t>(indices.size()), 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        statuses[static_cast<size_t>(i)] =
            AugmentSample(indices[static_cast<size_t>(i)], key, samples + i * shape_.elements());
      }
    });
    for (const absl::Status& status : statuses) STROP_RETURN_IF_ERROR(status);
    return absl::OkStatus();
  }

  template <typename T>
  absl::Status AugmentSample(int64_t index, const AugmentationKey& key, T* sample) const {
    const ImageSize size{shape_.height, shape_.width};
    const AugmentationDraw draw = DrawAugmentation(augmentation_, key, index, size, size);
    FloatImage image{shape_.height, shape_.width, shape_.channels, {}};
    image.pixels.resize(static_cast<size_t>(shape_.elements()));
    float* pixels = image.pixels.data();
    shape_.VisitElements(
        [&](int64_t i, int64_t j) { pixels[j] = static_cast<float>(sample[i]) / kUnit<T>; });
    if (augmentation_.has_color()) {
      for (const float pixel : image.pixels) {
        if (!(pixel >= 0 && pixel <= 1)) return OutsideColors(index, pixel);
      }
    }
    if (draw.kept) image = ResizeBilinear(Crop(image, *draw.kept), size);
    Augment(draw, image);
    if (draw.erased) Erase(*draw.erased, erased_, image);
    pixels = image.pixels.data();
    shape_.VisitElements([&](int64_t i, int64_t j) {
      sample[i] = std::is_integral_v<T> ? static_cast<T>(std::lrint(pixels[j] * kUnit<T>))
                                        : static_cast<T>(pixels[j]);
    });
    return absl::OkStatus();
  }

  absl::Status OutsideColors(int64_t index, float pixel) const {
    return absl::InvalidArgumentError(absl::StrCat(
        "data: \"", origin(), "\", \"", fields()[field_].name, "\", row ", index, ": found ", pixel,
        ", expected pixels from 0 to 1 to change their colours; scale them, or leave out "
        "--color-jitter"));
  }

  std::unique_ptr<DataSource> source_;
  size_t field_;
  PictureShape shape_;
  std::vector<float> erased_;  // what a pixel becomes, one number per channel
  AugmentationOptions augmentation_;
};

absl::StatusOr<PictureShape> AugmentedShape(const DataSource& source, const DataField& field,
                                            ImageLayout layout, bool changes_colors) {
  const std::string where =
      absl::StrCat("data: \"", source.origin(), "\", \"", field.name, "\": found ");
  const bool has_type = field.type == DataType::kFloat || field.type == DataType::kDouble ||
                        field.type == DataType::kUint8;
  const std::optional<PictureShape> picture = PictureShapeIn(field.shape, layout);
  if (!has_type || !picture) {
    return absl::InvalidArgumentError(absl::StrCat(
        where, std::string(DataTypeName(field.type)), ShapeName(field.shape),
        " a sample, expected pictures [channels,height,width] of float32, float64 or uint8 to "
        "augment"));
  }
  if (changes_colors) {
    STROP_RETURN_IF_ERROR(CheckColorChannels(source.origin(), picture->channels));
  }
  return *picture;
}

}  // namespace

absl::Status CheckColorChannels(const std::string& origin, int64_t channels) {
  if (channels == 1 || channels == 3) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("data: \"", origin, "\": found ", channels,
                   " channels, expected 1 or 3 for --color-jitter; see --layout"));
}

absl::StatusOr<std::unique_ptr<DataSource>> AugmentArrays(std::unique_ptr<DataSource> source,
                                                          const std::vector<InputInterface>& inputs,
                                                          const ImageOptions& images,
                                                          const AugmentationOptions& augmentation) {
  if (augmentation.are_default()) return source;
  if (inputs.size() != 1) {
    return absl::InvalidArgumentError(absl::StrCat("data: \"", source->origin(),
                                                   "\": augmentation takes a model with one input, "
                                                   "found ",
                                                   inputs.size(), "; leave it out"));
  }
  STROP_ASSIGN_OR_RETURN(const size_t field, FieldForInput(*source, inputs[0].name, true));
  STROP_ASSIGN_OR_RETURN(
      const PictureShape shape,
      AugmentedShape(*source, source->fields()[field], ImageLayoutOf(images, inputs[0].type),
                     augmentation.has_color()));
  // The mean is what a later normalization makes 0.
  STROP_ASSIGN_OR_RETURN(const std::vector<double> mean,
                         PerChannel(images.mean, shape.channels, 0, "--mean"));
  return std::make_unique<AugmentedArrays>(
      std::move(source), field, shape, std::vector<float>(mean.begin(), mean.end()), augmentation);
}

}  // namespace strop
