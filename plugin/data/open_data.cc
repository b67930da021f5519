#include "plugin/data/open_data.h"

#include <algorithm>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "graph/status_macros.h"
#include "plugin/data/array_source.h"
#include "plugin/data/augmented_arrays.h"
#include "plugin/data/csv.h"
#include "plugin/data/idx.h"
#include "plugin/data/image_source.h"
#include "plugin/data/npy.h"
#include "plugin/data/npz.h"

namespace strop {
namespace {

absl::StatusOr<InputInterface> OnlyInput(const std::string& location,
                                         const std::vector<InputInterface>& inputs) {
  if (inputs.size() == 1) return inputs[0];
  return absl::InvalidArgumentError(
      absl::StrCat("data: \"", location, "\": found data of one input, the model has ",
                   inputs.size(), "; give a .npz with an array for each"));
}

absl::StatusOr<std::unique_ptr<DataSource>> OpenImages(ImageSet images, const InputInterface& input,
                                                       const DataOptions& options) {
  STROP_ASSIGN_OR_RETURN(const Image first, images.decode(0));
  STROP_ASSIGN_OR_RETURN(ImageTransform transform,
                         ImageTransform::Create(options.images, input.type, first));
  return MakeImageSource(std::move(images), input.name, std::move(transform), options.augmentation);
}

bool WantsImages(const InputInterface& input) {
  return IsFloating(input.type.element_type) &&
         (!input.type.shape || input.type.shape->size() == 4);
}

absl::StatusOr<std::unique_ptr<DataSource>> OpenArrays(const std::string& location,
                                                       std::vector<NamedTensor> arrays,
                                                       const std::vector<InputInterface>& inputs,
                                                       const DataOptions& options) {
  const auto target = std::find_if(arrays.begin(), arrays.end(), [&](const NamedTensor& array) {
    return array.name == options.target;
  });
  if (target != arrays.end()) {
    target->name = std::string(kTargetField);
  } else if (options.target != kTargetField) {
    const auto append_name = [](std::string* out, const NamedTensor& array) {
      absl::StrAppend(out, array.name);
    };
    return absl::InvalidArgumentError(absl::StrCat("data: \"", location, "\": found no array \"",
                                                   options.target, "\" as --target says; it has ",
                                                   absl::StrJoin(arrays, ", ", append_name)));
  }
  if (!options.images.are_default() && inputs.size() == 1 && WantsImages(inputs[0])) {
    const auto pixels = std::find_if(arrays.begin(), arrays.end(), [](const NamedTensor& array) {
      return array.name != kTargetField && IsImageArray(array.tensor);
    });
    if (pixels != arrays.end()) {
      const Tensor labels = target == arrays.end() ? Tensor() : target->tensor;
      // Checks that there are as many labels as images.
      STROP_RETURN_IF_ERROR(ArraySource::Create(location, arrays).status());
      return OpenImages(ImagesOfArray(location, pixels->tensor, labels), inputs[0], options);
    }
  }
  STROP_ASSIGN_OR_RETURN(std::unique_ptr<DataSource> source,
                         ArraySource::Create(location, std::move(arrays)));
  return AugmentArrays(std::move(source), inputs, options.images, options.augmentation);
}

// Two files side by side, "images,labels", or one.
absl::StatusOr<std::vector<NamedTensor>> ReadPair(
    const std::string& location, const InputInterface& input,
    absl::StatusOr<Tensor> (*read)(const std::string& path)) {
  const std::vector<std::string> paths = absl::StrSplit(location, ',');
  if (paths.size() > 2) {
    return absl::InvalidArgumentError(absl::StrCat("data: \"", location, "\": found ", paths.size(),
                                                   " files, expected inputs,labels"));
  }
  std::vector<NamedTensor> arrays;
  STROP_ASSIGN_OR_RETURN(Tensor samples, read(paths[0]));
  arrays.push_back({input.name, std::move(samples)});
  if (paths.size() == 2) {
    STROP_ASSIGN_OR_RETURN(Tensor labels, read(paths[1]));
    arrays.push_back({std::string(kTargetField), std::move(labels)});
  }
  return arrays;
}

absl::StatusOr<std::unique_ptr<DataSource>> OpenIdx(const std::string& location,
                                                    const InputInterface& input,
                                                    const DataOptions& options) {
  STROP_ASSIGN_OR_RETURN(std::vector<NamedTensor> arrays, ReadPair(location, input, ReadIdx));
  STROP_ASSIGN_OR_RETURN(std::unique_ptr<DataSource> source, ArraySource::Create(location, arrays));
  if (!IsImageArray(arrays[0].tensor)) {
    return AugmentArrays(std::move(source), {input}, options.images, options.augmentation);
  }
  const Tensor labels = arrays.size() > 1 ? arrays[1].tensor : Tensor();
  return OpenImages(ImagesOfArray(location, arrays[0].tensor, labels), input, options);
}

absl::StatusOr<std::unique_ptr<DataSource>> OpenCsvFor(const std::string& location,
                                                       const std::vector<InputInterface>& inputs,
                                                       const DataOptions& options) {
  if (!options.augmentation.are_default()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "data: \"", location, "\": found columns, expected images to augment; leave it out"));
  }
  CsvOptions csv;
  csv.target = options.target;
  csv.class_names = options.class_names;
  for (const InputInterface& input : inputs) csv.input_names.push_back(input.name);
  return OpenCsv(location, csv);
}

absl::StatusOr<std::unique_ptr<DataSource>> OpenByName(const std::string& location,
                                                       const std::vector<InputInterface>& inputs,
                                                       const DataOptions& options) {
  std::error_code ignored;
  if (std::filesystem::is_directory(location, ignored)) {
    STROP_ASSIGN_OR_RETURN(const InputInterface input, OnlyInput(location, inputs));
    STROP_ASSIGN_OR_RETURN(ImageSet images, ListImageFolder(location, options.class_names));
    return OpenImages(std::move(images), input, options);
  }
  if (location.ends_with(".npz")) {
    STROP_ASSIGN_OR_RETURN(std::vector<NamedTensor> arrays, ReadNpz(location));
    return OpenArrays(location, std::move(arrays), inputs, options);
  }
  if (location.ends_with(".csv")) return OpenCsvFor(location, inputs, options);

  const bool is_idx = location.find("idx") != std::string::npos || location.ends_with(".gz") ||
                      location.ends_with("-ubyte");
  if (!location.ends_with(".npy") && !is_idx) {
    if (!std::filesystem::exists(location, ignored)) {
      return absl::NotFoundError(absl::StrCat("data: \"", location, "\": no such file or folder"));
    }
    return absl::InvalidArgumentError(
        absl::StrCat("data: \"", location,
                     "\": unknown kind of data, expected .npz, .npy, .csv, a folder of images or "
                     "IDX files as images.gz,labels.gz"));
  }
  STROP_ASSIGN_OR_RETURN(const InputInterface input, OnlyInput(location, inputs));
  if (is_idx) return OpenIdx(location, input, options);
  STROP_ASSIGN_OR_RETURN(std::vector<NamedTensor> arrays, ReadPair(location, input, ReadNpy));
  return OpenArrays(location, std::move(arrays), inputs, options);
}

// A target that is a picture would have to move as its image does.
absl::Status CheckTargetStays(const DataSource& source, const AugmentationOptions& augmentation) {
  const int field = source.FindField(kTargetField);
  if (field < 0 || !augmentation.moves_pixels()) return absl::OkStatus();
  const Shape& shape = source.fields()[static_cast<size_t>(field)].shape;
  if (shape.size() < 2) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("data: \"", source.origin(), "\": found targets of shape ", ShapeName(shape),
                   ", which do not move with their images; expected labels, or --color-jitter "
                   "alone"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<DataSource>> OpenData(const std::string& location,
                                                     const std::vector<InputInterface>& inputs,
                                                     const DataOptions& options) {
  STROP_ASSIGN_OR_RETURN(std::unique_ptr<DataSource> source, OpenByName(location, inputs, options));
  STROP_RETURN_IF_ERROR(CheckTargetStays(*source, options.augmentation));
  return source;
}

}  // namespace strop
