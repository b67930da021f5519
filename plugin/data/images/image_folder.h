#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "plugin/data/data_listener.h"
#include "plugin/data/images/image_source.h"

namespace strop {

struct ImageFolderOptions {
  // What the classes are counted by; empty: the folder's own names, sorted.
  std::vector<std::string> class_names;
  Orientation orientation = Orientation::kUpright;
  bool skips_damaged = false;
  bool has_classes = true;  // else all pictures below the folder, without labels
};

// The names of a folder's classes, sorted.
absl::StatusOr<std::vector<std::string>> ListClassFolders(const std::string& root);

// Lists root/class/…/picture: the classes sorted by name, the pictures by their paths, those of
// subfolders behind, labels counted from 0. Every file is looked at: those that are no pictures are
// left out, and so, if that is asked for, are damaged ones; the listener hears of both. Hidden
// files and folders are passed over. NotFound without the folder; InvalidArgument for a damaged
// picture, for classes that are unknown or without pictures.
absl::StatusOr<ImageSet> ListImageFolder(const std::string& root, const ImageFolderOptions& options,
                                         const DataListener& listener);

}  // namespace strop
