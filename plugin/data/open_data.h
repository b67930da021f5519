#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "plugin/data/data_source.h"
#include "plugin/data/image_transform.h"
#include "plugin/data/model_binding.h"

namespace strop {

struct DataOptions {
  // The array or column that holds the label.
  std::string target = std::string(kTargetField);
  ImageOptions images;
  AugmentationOptions augmentation;  // of training data, see DataSource::ReadAugmented
  // The classes that text labels and image folders count by; empty: those of the data itself.
  std::vector<std::string> class_names;
};

// Opens data by its name:
//   x.npz            arrays by name
//   x.npy[,y.npy]    the model's only input, and the target; memory-mapped
//   x.csv            see csv.h
//   a folder         images, see image_source.h
//   images,labels    IDX files, plain or .gz; the images as in a folder
// uint8 arrays that feed a floating input of rank 4 are images too when an image option is given.
// `inputs` are the model's. The label becomes the field kTargetField, where there is one.
// Augmentation takes images: folders, IDX, and arrays whose samples are [channels, height, width]
// (or as --layout says) or [height, width], changed in the numbers they hold. NotFound for what
// does not exist, InvalidArgument for what cannot be used.
absl::StatusOr<std::unique_ptr<DataSource>> OpenData(const std::string& location,
                                                     const std::vector<InputInterface>& inputs,
                                                     const DataOptions& options);

}  // namespace strop
