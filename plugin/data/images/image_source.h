#pragma once

#include <functional>
#include <memory>
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
  Tensor labels;  // [count, …], or an empty handle
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

// uint8 pictures [count, …] that lie as `shape` says.
ImageSet ImagesOfArray(std::string origin, const Tensor& pixels, const PictureShape& shape,
                       Tensor labels);

}  // namespace strop
