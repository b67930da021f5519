#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "plugin/data/data_source.h"
#include "plugin/data/images/image_transform.h"
#include "plugin/data/images/picture_shape.h"

namespace strop {

// Images that are decoded on demand, and what is known of each.
struct ImageSet {
  std::string origin;
  int64_t count = 0;
  // Called by several threads at once.
  std::function<absl::StatusOr<Image>(int64_t index)> decode;
  // Where images and labels are read together: called before them, by the thread that wants them,
  // with the images that are decoded next. Writes their labels unless that is null.
  std::function<absl::Status(absl::Span<const int64_t> indices, Tensor* labels)> fetch;
  Tensor labels;                           // [count, …], or an empty handle
  std::optional<DataField> fetched_label;  // what `fetch` writes
  std::vector<std::string> class_names;
  // One an image, of a folder's files; empty for arrays.
  std::vector<std::string> paths;
  std::vector<ImageSize> sizes;  // as decoded

  // For messages: the file, or the place in the array.
  std::string NameOf(int64_t index) const;
};

// Samples of two fields: the images as float32 under `field_name`, and the labels as the target.
// Every batch is decoded, augmented where that is asked for, and transformed anew, in parallel.
std::unique_ptr<DataSource> MakeImageSource(ImageSet images, std::string field_name,
                                            ImageTransform transform,
                                            const AugmentationOptions& augmentation);

// The uint8 field `field` of `source`, whose pictures lie as `shape` says, and its target as the
// labels.
ImageSet ImagesOfSamples(std::shared_ptr<DataSource> source, size_t field,
                         const PictureShape& shape);

}  // namespace strop
