#include "plugin/data/open_data.h"

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "graph/status_macros.h"
#include "plugin/data/arrays/csv.h"
#include "plugin/data/arrays/idx.h"
#include "plugin/data/arrays/npy.h"
#include "plugin/data/arrays/npz.h"
#include "plugin/data/arrays/open_arrays.h"
#include "plugin/data/data_kind.h"
#include "plugin/data/images/image_folder.h"
#include "plugin/data/open_with_target.h"
#include "plugin/data/sample_weights.h"

namespace strop {
namespace {

absl::StatusOr<InputInterface> OnlyInput(const std::string& location,
                                         const std::vector<InputInterface>& inputs) {
  if (inputs.size() == 1) return inputs[0];
  return absl::InvalidArgumentError(
      absl::StrCat("data: \"", location, "\": found data of one input, the model has ",
                   inputs.size(), "; give a .npz with an array for each"));
}

absl::Status NoKind(const std::string& location) {
  return absl::InvalidArgumentError(absl::StrCat(
      "data: \"", location,
      "\": unknown kind of data, expected .npz, .npy, .csv, a folder class/picture, or IDX files "
      "as images.gz,labels.gz"));
}

// Inputs and labels in files of one array each.
absl::StatusOr<std::unique_ptr<DataSource>> OpenArrayFiles(
    const std::string& location, const std::vector<std::string>& paths,
    const std::vector<InputInterface>& inputs, const DataOptions& options) {
  if (paths.size() > 2) {
    return absl::InvalidArgumentError(absl::StrCat("data: \"", location, "\": found ", paths.size(),
                                                   " files, expected inputs,labels"));
  }
  STROP_ASSIGN_OR_RETURN(const InputInterface input, OnlyInput(location, inputs));
  const std::string names[] = {input.name, std::string(kTargetField)};
  std::vector<NamedTensor> arrays;
  bool is_idx = false;
  for (const std::string& path : paths) {
    STROP_ASSIGN_OR_RETURN(const DataKind kind, DataKindOf(path));
    const bool is_npy = kind == DataKind::kNpy;
    if (!is_npy && kind != DataKind::kIdx && kind != DataKind::kGzip) return NoKind(path);
    if (arrays.empty()) is_idx = !is_npy;
    STROP_ASSIGN_OR_RETURN(Tensor tensor, is_npy ? ReadNpy(path) : ReadIdx(path));
    arrays.push_back({names[arrays.size()], std::move(tensor)});
  }
  return OpenArrays(location, std::move(arrays), inputs, options, is_idx);
}

absl::StatusOr<std::unique_ptr<DataSource>> OpenCsvFor(const std::string& location,
                                                       const std::vector<InputInterface>& inputs,
                                                       const DataOptions& options) {
  if (!options.augmentation.are_default()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "data: \"", location, "\": found columns, expected images to augment; leave it out"));
  }
  CsvOptions csv;
  csv.target = options.target == kInputTarget ? std::string(kTargetField) : options.target;
  csv.sample_weight = options.sample_weight;
  csv.class_names = options.class_names;
  csv.reads_target = options.reads_labels;
  csv.listener = options.listener;
  for (const InputInterface& input : inputs) csv.input_names.push_back(input.name);
  STROP_ASSIGN_OR_RETURN(std::unique_ptr<DataSource> source, OpenCsv(location, csv));
  STROP_ASSIGN_OR_RETURN(source, MarkWeights(std::move(source), options));
  return NormalizeInput(std::move(source), inputs, options);
}

absl::StatusOr<std::unique_ptr<DataSource>> OpenFolder(const std::string& location,
                                                       const std::vector<InputInterface>& inputs,
                                                       const DataOptions& options) {
  STROP_ASSIGN_OR_RETURN(const InputInterface input, OnlyInput(location, inputs));
  ImageFolderOptions folder;
  folder.has_classes = options.reads_labels && options.target != kInputTarget;
  if (options.target != kInputTarget && options.target != kTargetField) {
    return absl::InvalidArgumentError(
        absl::StrCat("data: \"", location,
                     "\": found pictures, whose folders are their labels, and "
                     "no \"",
                     options.target, "\" as --target says; leave it out, or say input"));
  }
  if (!options.sample_weight.empty() && options.needs_weights) {
    return absl::InvalidArgumentError(
        absl::StrCat("data: \"", location, "\": found pictures, which have no \"",
                     options.sample_weight, "\" as --sample-weight says; leave it out"));
  }
  folder.class_names = options.class_names;
  folder.orientation = options.images.orientation;
  folder.skips_damaged = options.skips_damaged;
  STROP_ASSIGN_OR_RETURN(ImageSet images, ListImageFolder(location, folder, options.listener));
  return OpenImages(std::move(images), input, options);
}

absl::StatusOr<std::unique_ptr<DataSource>> OpenByContent(const std::string& location,
                                                          const std::vector<InputInterface>& inputs,
                                                          const DataOptions& options) {
  std::error_code ignored;
  const bool is_one = std::filesystem::exists(location, ignored);
  if (!is_one && location.find(',') != std::string::npos) {
    return OpenArrayFiles(location, absl::StrSplit(location, ','), inputs, options);
  }
  STROP_ASSIGN_OR_RETURN(const DataKind kind, DataKindOf(location));
  switch (kind) {
    case DataKind::kFolder:
      return OpenFolder(location, inputs, options);
    case DataKind::kZip: {
      STROP_ASSIGN_OR_RETURN(std::vector<NamedTensor> arrays, ReadNpz(location));
      return OpenArrays(location, std::move(arrays), inputs, options, false);
    }
    case DataKind::kText:
      return OpenCsvFor(location, inputs, options);
    case DataKind::kNpy:
    case DataKind::kIdx:
    case DataKind::kGzip:
      return OpenArrayFiles(location, {location}, inputs, options);
    case DataKind::kPicture:
      return absl::InvalidArgumentError(absl::StrCat(
          "data: \"", location, "\": found one picture, expected a folder class/picture"));
    case DataKind::kUnknown:
      return NoKind(location);
  }
  return NoKind(location);
}

}  // namespace

absl::StatusOr<std::unique_ptr<DataSource>> OpenData(const std::string& location,
                                                     const std::vector<InputInterface>& inputs,
                                                     const DataOptions& options) {
  return OpenWithTarget(inputs, options, [&](const DataOptions& opening) {
    return OpenByContent(location, inputs, opening);
  });
}

}  // namespace strop
