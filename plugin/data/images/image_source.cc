#include "plugin/data/images/image_source.h"

#include <numeric>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "ops/kernels/parallel_for.h"

namespace strop {
namespace {

class ImageSource : public DataSource {
 public:
  ImageSource(ImageSet images, std::string field_name, ImageTransform transform,
              const AugmentationOptions& augmentation)
      : images_(std::move(images)), transform_(std::move(transform)), augmentation_(augmentation) {
    fields_.push_back(
        {std::move(field_name), DataType::kFloat, transform_.shape(), transform_.pixel_scale()});
    fields_.insert(fields_.end(), images_.others.begin(), images_.others.end());
  }

  int64_t sample_count() const override { return images_.count; }
  const std::vector<DataField>& fields() const override { return fields_; }
  const std::string& origin() const override { return images_.origin; }
  absl::Span<const std::string> class_names() const override { return images_.class_names; }
  std::string FileOf(int64_t index) const override {
    return images_.paths.empty() ? "" : images_.paths[static_cast<size_t>(index)];
  }
  const Tensor* whole_array(size_t field) const override {
    return field > 0 && !images_.arrays.empty() ? &images_.arrays[field - 1] : nullptr;
  }

  absl::Status Read(absl::Span<const int64_t> indices, absl::Span<Tensor> batch) override {
    return ReadWith(indices, nullptr, batch);
  }
  absl::Status ReadAugmented(absl::Span<const int64_t> indices, const AugmentationKey& key,
                             absl::Span<Tensor> batch) override {
    return ReadWith(indices, augmentation_.are_default() ? nullptr : &key, batch);
  }

 private:
  // Augmented unless `key` is null.
  absl::Status ReadWith(absl::Span<const int64_t> indices, const AugmentationKey* key,
                        absl::Span<Tensor> batch) const {
    if (images_.fetch) STROP_RETURN_IF_ERROR(images_.fetch(indices, batch.subspan(1)));
    for (size_t i = 0; i < images_.arrays.size(); ++i) {
      CopySamples(images_.arrays[i], indices, batch[i + 1]);
    }
    auto* out = static_cast<float*>(batch[0].mutable_data());
    const int64_t sample_elements = ElementCount(fields_[0].shape);
    std::vector<absl::Status> statuses(indices.size());
    ParallelFor(static_cast<int64_t>(indices.size()), 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        statuses[static_cast<size_t>(i)] =
            ReadImage(indices[static_cast<size_t>(i)], key, out + i * sample_elements);
      }
    });
    for (const absl::Status& status : statuses) STROP_RETURN_IF_ERROR(status);
    return absl::OkStatus();
  }

  absl::Status ReadImage(int64_t index, const AugmentationKey* key, float* out) const {
    STROP_ASSIGN_OR_RETURN(Image image, images_.decode(index));
    AugmentationDraw draw;
    if (key != nullptr) {
      const ImageSize size{image.height, image.width};
      draw = DrawAugmentation(augmentation_, *key, index, size, transform_.content_size());
    }
    absl::StatusOr<FloatImage> content = transform_.Content(std::move(image), draw.kept);
    if (!content.ok()) {
      return absl::InvalidArgumentError(absl::StrCat("data: ", images_.NameOf(index), ": ",
                                                     std::string(content.status().message())));
    }
    if (key != nullptr) Augment(draw, *content);
    transform_.Write(*content, draw.erased, out);
    return absl::OkStatus();
  }

  ImageSet images_;
  ImageTransform transform_;
  AugmentationOptions augmentation_;
  std::vector<DataField> fields_;
};

Image PictureAt(const Tensor& pixels, int64_t place, const PictureShape& shape) {
  Image image{shape.height, shape.width, shape.channels, {}};
  image.pixels.resize(static_cast<size_t>(shape.elements()));
  const uint8_t* sample = static_cast<const uint8_t*>(pixels.data()) + place * shape.elements();
  uint8_t* out = image.pixels.data();
  shape.VisitElements([&](int64_t i, int64_t j) { out[j] = sample[i]; });
  return image;
}

// The samples that were read last.
struct ReadSamples {
  std::vector<Tensor> batch;
  int64_t room = 0;                              // samples that it holds
  absl::flat_hash_map<int64_t, int64_t> places;  // in it, by index

  // Writes the fields `chosen` into `others` unless that is empty.
  absl::Status Read(DataSource& source, absl::Span<const int64_t> indices,
                    absl::Span<const size_t> chosen, absl::Span<Tensor> others) {
    const auto count = static_cast<int64_t>(indices.size());
    if (room < count) {
      batch = source.MakeBatch(count);
      room = count;
    }
    STROP_RETURN_IF_ERROR(source.Read(indices, absl::MakeSpan(batch)));
    std::vector<int64_t> in_order(indices.size());
    std::iota(in_order.begin(), in_order.end(), int64_t{0});
    for (size_t i = 0; i < others.size(); ++i) CopySamples(batch[chosen[i]], in_order, others[i]);
    places.clear();
    for (const int64_t place : in_order) places[indices[static_cast<size_t>(place)]] = place;
    return absl::OkStatus();
  }
};

}  // namespace

std::string ImageSet::NameOf(int64_t index) const {
  if (paths.empty()) return absl::StrCat("\"", origin, "\", image ", index);
  return absl::StrCat("\"", paths[static_cast<size_t>(index)], "\"");
}

std::unique_ptr<DataSource> MakeImageSource(ImageSet images, std::string field_name,
                                            ImageTransform transform,
                                            const AugmentationOptions& augmentation) {
  return std::make_unique<ImageSource>(std::move(images), std::move(field_name),
                                       std::move(transform), augmentation);
}

ImageSet ImagesOfSamples(std::shared_ptr<DataSource> source, size_t field,
                         const PictureShape& shape) {
  ImageSet images;
  images.origin = source->origin();
  images.count = source->sample_count();
  std::vector<size_t> chosen;
  for (const int other : {source->FindField(kTargetField), source->FindWeights()}) {
    if (other < 0) continue;
    chosen.push_back(static_cast<size_t>(other));
    images.others.push_back(source->fields()[chosen.back()]);
  }
  if (const Tensor* pixels = source->whole_array(field)) {
    for (const size_t other : chosen) images.arrays.push_back(*source->whole_array(other));
    images.decode = [pixels = *pixels, shape](int64_t index) -> absl::StatusOr<Image> {
      return PictureAt(pixels, index, shape);
    };
    return images;
  }
  const auto read = std::make_shared<ReadSamples>();
  images.fetch = [source, read, chosen](absl::Span<const int64_t> indices,
                                        absl::Span<Tensor> others) {
    return read->Read(*source, indices, chosen, others);
  };
  images.decode = [read, field, shape](int64_t index) -> absl::StatusOr<Image> {
    return PictureAt(read->batch[field], read->places.at(index), shape);
  };
  return images;
}

}  // namespace strop
