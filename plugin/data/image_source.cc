#include "plugin/data/image_source.h"

#include <algorithm>
#include <cctype>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "ops/parallel.h"

namespace strop {
namespace {

namespace fs = std::filesystem;

class ImageSource : public DataSource {
 public:
  ImageSource(ImageSet images, std::string field_name, ImageTransform transform,
              const AugmentationOptions& augmentation)
      : images_(std::move(images)), transform_(std::move(transform)), augmentation_(augmentation) {
    fields_.push_back({std::move(field_name), DataType::kFloat, transform_.shape()});
    if (images_.labels.is_empty_handle()) return;
    const Shape& shape = images_.labels.shape();
    fields_.push_back(
        {std::string(kTargetField), images_.labels.type(), Shape(shape.begin() + 1, shape.end())});
  }

  int64_t sample_count() const override { return images_.count; }
  const std::vector<DataField>& fields() const override { return fields_; }
  const std::string& origin() const override { return images_.origin; }
  absl::Span<const std::string> class_names() const override { return images_.class_names; }
  const Tensor* whole_array(size_t field) const override {
    return field == 1 ? &images_.labels : nullptr;
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
    if (fields_.size() > 1) CopySamples(images_.labels, indices, batch[1]);
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
      return absl::InvalidArgumentError(absl::StrCat("data: \"", images_.origin, "\", image ",
                                                     index, ": ",
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

bool HasImageExtension(const fs::path& path) {
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return extension == ".jpg" || extension == ".jpeg" || extension == ".png";
}

// Entries of a folder by name; those that `is_wanted` refuses and hidden ones are left out.
template <typename Predicate>
absl::StatusOr<std::vector<fs::path>> SortedEntries(const fs::path& folder,
                                                    const Predicate& is_wanted) {
  std::error_code error;
  std::vector<fs::path> entries;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    const bool is_hidden = entry->path().filename().string().starts_with(".");
    if (!is_hidden && is_wanted(entry->path())) entries.push_back(entry->path());
  }
  if (error) {
    const std::string message =
        absl::StrCat("data: \"", folder.string(), "\": cannot be listed: ", error.message());
    return error == std::errc::no_such_file_or_directory ? absl::NotFoundError(message)
                                                         : absl::DataLossError(message);
  }
  std::sort(entries.begin(), entries.end());
  return entries;
}

}  // namespace

std::unique_ptr<DataSource> MakeImageSource(ImageSet images, std::string field_name,
                                            ImageTransform transform,
                                            const AugmentationOptions& augmentation) {
  return std::make_unique<ImageSource>(std::move(images), std::move(field_name),
                                       std::move(transform), augmentation);
}

absl::StatusOr<ImageSet> ListImageFolder(const std::string& root,
                                         const std::vector<std::string>& class_names) {
  const auto is_folder = [](const fs::path& path) {
    std::error_code ignored;
    return fs::is_directory(path, ignored);
  };
  STROP_ASSIGN_OR_RETURN(const std::vector<fs::path> folders, SortedEntries(root, is_folder));
  auto files = std::make_shared<std::vector<std::string>>();
  ImageSet images;
  images.origin = root;
  images.class_names = class_names;
  std::vector<int64_t> labels;
  for (const fs::path& folder : folders) {
    const std::string name = folder.filename().string();
    if (class_names.empty()) images.class_names.push_back(name);
    const auto found = std::find(images.class_names.begin(), images.class_names.end(), name);
    if (found == images.class_names.end()) {
      return absl::InvalidArgumentError(absl::StrCat("data: \"", root, "\": found class \"", name,
                                                     "\", which the training data lacks"));
    }
    STROP_ASSIGN_OR_RETURN(const std::vector<fs::path> paths,
                           SortedEntries(folder, HasImageExtension));
    for (const fs::path& path : paths) {
      files->push_back(path.string());
      labels.push_back(found - images.class_names.begin());
    }
  }
  if (files->empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("data: \"", root, "\": found no image, expected class/*.jpg or *.png in it"));
  }
  images.count = static_cast<int64_t>(files->size());
  images.labels = Tensor::FromVector({images.count}, labels);
  images.decode = [files](int64_t index) {
    return DecodeImage((*files)[static_cast<size_t>(index)]);
  };
  return images;
}

bool IsImageArray(const Tensor& tensor) {
  const Shape& shape = tensor.shape();
  if (tensor.type() != DataType::kUint8 || tensor.element_count() == 0) return false;
  return shape.size() == 3 || (shape.size() == 4 && (shape[3] == 1 || shape[3] == 3));
}

ImageSet ImagesOfArray(std::string origin, const Tensor& pixels, Tensor labels) {
  ImageSet images;
  images.origin = std::move(origin);
  images.count = pixels.shape()[0];
  images.labels = std::move(labels);
  images.decode = [pixels](int64_t index) -> absl::StatusOr<Image> {
    const Shape& shape = pixels.shape();
    Image image{shape[1], shape[2], shape.size() == 4 ? shape[3] : 1, {}};
    const int64_t count = image.height * image.width * image.channels;
    const uint8_t* first = static_cast<const uint8_t*>(pixels.data()) + index * count;
    image.pixels.assign(first, first + count);
    return image;
  };
  return images;
}

}  // namespace strop
