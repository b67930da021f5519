#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "plugin/data/data_listener.h"
#include "plugin/data/data_source.h"
#include "plugin/data/images/image_transform.h"
#include "plugin/data/model_binding.h"

namespace strop {

// As target: the input itself.
inline constexpr std::string_view kInputTarget = "input";

struct DataOptions {
  // The array or column that holds the label; kInputTarget or an input's name for an autoencoder.
  std::string target = std::string(kTargetField);
  // The array or column of the samples' weights; empty: each weighs the same.
  std::string sample_weight;
  bool needs_weights = true;  // false: data without that array are taken as they are, with a note
  ImageOptions images;
  AugmentationOptions augmentation;  // of training data, see DataSource::ReadAugmented
  // The classes that text labels and image folders count by, and the names of those that numbers
  // count; empty: those of the data itself.
  std::vector<std::string> class_names;
  bool skips_damaged = false;  // pictures of a folder
  // The array that says how long samples are, see PaddingOptions; empty: nobody asks.
  std::string length_name;
  DataListener listener;
  // False: the samples are wanted alone. Labels are passed over, and a folder may hold images in
  // any way.
  bool reads_labels = true;
};

// Opens data by what their bytes say that they are:
//   .npz             arrays by name
//   .npy             the model's only input; memory-mapped
//   IDX              the same, plain or compressed by gzip; always pictures when of uint8
//   x,labels         two of the last two, the second as the target
//   text             see csv.h
//   a folder         pictures, see image_folder.h
// uint8 arrays of two or three axes a sample are pictures too where they feed an input of rank 4,
// or of rank 2 that takes them flattened. Pixels that feed a floating input are divided by 255; all
// other numbers enter as they are. --mean and --std apply to either, or are refused.
// `inputs` are the model's. The label becomes the field kTargetField, where there is one, and the
// weights a field that is_weight.
// Augmentation takes images: folders, IDX, and arrays whose samples are [channels, height, width]
// (or as --layout says) or [height, width], changed in the numbers they hold. NotFound for what
// does not exist, InvalidArgument for what cannot be used.
absl::StatusOr<std::unique_ptr<DataSource>> OpenData(const std::string& location,
                                                     const std::vector<InputInterface>& inputs,
                                                     const DataOptions& options);

}  // namespace strop
