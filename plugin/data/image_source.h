#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "plugin/data/data_source.h"
#include "plugin/data/image_transform.h"

namespace strop {

// Images that are decoded on demand, and what is known of each.
struct ImageSet {
  std::string origin;
  int64_t count = 0;
  // Called by several threads at once.
  std::function<absl::StatusOr<Image>(int64_t index)> decode;
  Tensor labels;  // [count, …], or an empty handle
  std::vector<std::string> class_names;
};

// Samples of two fields: the images as float32 under `field_name`, and the labels as the target.
// Every batch is decoded, augmented where that is asked for, and transformed anew, in parallel.
std::unique_ptr<DataSource> MakeImageSource(ImageSet images, std::string field_name,
                                            ImageTransform transform,
                                            const AugmentationOptions& augmentation);

// Lists root/class/*.jpg|jpeg|png: classes and files sorted by name, labels counted from 0.
// `class_names`, where not empty, are the classes to count by. NotFound without the folder;
// InvalidArgument for a folder without images or of other classes.
absl::StatusOr<ImageSet> ListImageFolder(const std::string& root,
                                         const std::vector<std::string>& class_names);

// An array [count, height, width] or [count, height, width, 1 or 3] of uint8 as images.
ImageSet ImagesOfArray(std::string origin, const Tensor& pixels, Tensor labels);

// True for an array that ImagesOfArray takes.
bool IsImageArray(const Tensor& tensor);

}  // namespace strop
