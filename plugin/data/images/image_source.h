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
  // What samples have besides their image: the target, weights.
  std::vector<DataField> others;
  std::vector<Tensor> arrays;  // of all of these, [count, …] each; empty where they are fetched
  // Where samples are read whole: called before the images are decoded, by the thread that wants
  // them, with those that are decoded next. Writes their `others` unless it is given none.
  std::function<absl::Status(absl::Span<const int64_t> indices, absl::Span<Tensor> others)> fetch;
  std::vector<std::string> class_names;
  // One an image, of a folder's files; empty for arrays.
  std::vector<std::string> paths;
  std::vector<ImageSize> sizes;  // as decoded

  // For messages: the file, or the place in the array.
  std::string NameOf(int64_t index) const;
};

// Samples whose first field are the images, as float32 under `field_name`. Every batch is decoded, augmented where that is asked for, and transformed anew, in parallel.
std::unique_ptr<DataSource> MakeImageSource(ImageSet images, std::string field_name,
                                            ImageTransform transform,
                                            const AugmentationOptions& augmentation);

// The uint8 field `field` of `source`, whose pictures lie as `shape` says, with target and weights.
ImageSet ImagesOfSamples(std::shared_ptr<DataSource> source, size_t field,
                         const PictureShape& shape);

}  // namespace strop
