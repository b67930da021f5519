#include "plugin/data/images/image_folder.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "graph/status_macros.h"
#include "ops/kernels/parallel_for.h"
#include "plugin/data/class_names.h"
#include "plugin/data/images/image_orientation.h"

namespace strop {
namespace {

namespace fs = std::filesystem;

std::string Prefix(const std::string& root) { return absl::StrCat("data: \"", root, "\": "); }

struct Entries {
  std::vector<fs::path> files;
  std::vector<fs::path> folders;
};

// What lies in a folder, by name, without what is hidden.
absl::StatusOr<Entries> SortedEntries(const fs::path& folder) {
  std::error_code error;
  Entries entries;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    const fs::path& path = entry->path();
    if (path.filename().string().starts_with(".")) continue;
    std::error_code ignored;
    (fs::is_directory(path, ignored) ? entries.folders : entries.files).push_back(path);
  }
  if (error) {
    const std::string message =
        absl::StrCat(Prefix(folder.string()), "cannot be listed: ", error.message());
    return error == std::errc::no_such_file_or_directory ? absl::NotFoundError(message)
                                                         : absl::DataLossError(message);
  }
  std::sort(entries.files.begin(), entries.files.end());
  std::sort(entries.folders.begin(), entries.folders.end());
  return entries;
}

// All files below a folder. `above` are the folders on the way to it: a link to one of them is not
// followed around.
absl::Status AddFilesBelow(const fs::path& folder, std::set<fs::path> above,
                           std::vector<std::string>& files) {
  std::error_code ignored;
  if (!above.insert(fs::canonical(folder, ignored)).second) return absl::OkStatus();
  STROP_ASSIGN_OR_RETURN(const Entries entries, SortedEntries(folder));
  for (const fs::path& path : entries.files) files.push_back(path.string());
  for (const fs::path& path : entries.folders) {
    STROP_RETURN_IF_ERROR(AddFilesBelow(path, above, files));
  }
  return absl::OkStatus();
}

// In lower case, with its dot.
std::string ExtensionOf(const std::string& path) {
  std::string extension = fs::path(path).extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return extension;
}

// torchvision's, and .gif.
bool IsNamedAsPicture(const std::string& path) {
  const std::set<std::string> extensions = {".bmp", ".gif", ".jpeg", ".jpg",  ".pgm",
                                            ".png", ".ppm", ".tif",  ".tiff", ".webp"};
  return extensions.contains(ExtensionOf(path));
}

// What is in a file: a picture, nothing for what is none, or how it is damaged.
absl::StatusOr<std::optional<ImageHeader>> LookAt(const std::string& path) {
  STROP_ASSIGN_OR_RETURN(const std::optional<ImageHeader> header, InspectImage(path));
  if (header || !IsNamedAsPicture(path)) return header;
  return absl::InvalidArgumentError(
      absl::StrCat("data: \"", path, "\": found no picture of a known format"));
}

using Headers = std::vector<absl::StatusOr<std::optional<ImageHeader>>>;

Headers LookAtAll(const std::vector<std::string>& files, const DataListener& listener) {
  constexpr int64_t kBetweenReports = 256;
  const auto count = static_cast<int64_t>(files.size());
  Headers headers(files.size(), std::optional<ImageHeader>());
  for (int64_t first = 0; first < count; first += kBetweenReports) {
    const int64_t last = std::min(count, first + kBetweenReports);
    ParallelFor(last - first, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = first + begin; i < first + end; ++i) {
        headers[static_cast<size_t>(i)] = LookAt(files[static_cast<size_t>(i)]);
      }
    });
    if (listener.on_progress) listener.on_progress(last, count);
  }
  return headers;
}

// What a listing passes over, to tell of it.
class LeftOut {
 public:
  void AddBeside(size_t count) { beside_ += static_cast<int64_t>(count); }
  void AddOther(const std::string& path) {
    const std::string extension = ExtensionOf(path);
    ++others_[extension.empty() ? "without extension" : extension];
  }
  void AddDamaged(const absl::Status& status) {
    damaged_.emplace_back(absl::StripPrefix(status.message(), "data: "));
  }

  void Tell(const std::string& root, const DataListener& listener) const {
    if (!others_.empty()) {
      int64_t count = 0;
      std::vector<std::string> kinds;
      for (const auto& [kind, number] : others_) {
        count += number;
        kinds.push_back(absl::StrCat(number, " ", kind));
      }
      listener.Note(
          absl::StrCat(Prefix(root), "left out ",
                       Counted(count, "file that is no picture", "files that are no pictures"),
                       " that can be read: ", absl::StrJoin(kinds, ", ")));
    }
    if (beside_ > 0) {
      listener.Note(absl::StrCat(Prefix(root), "left out ", Counted(beside_, "file", "files"),
                                 " beside the class folders"));
    }
    if (damaged_.empty()) return;
    constexpr size_t kNamed = 3;
    const size_t named = std::min(kNamed, damaged_.size());
    std::string list = absl::StrJoin(damaged_.begin(), damaged_.begin() + named, "; ");
    if (named < damaged_.size()) absl::StrAppend(&list, "; and ", damaged_.size() - named, " more");
    const auto count = static_cast<int64_t>(damaged_.size());
    listener.Note(absl::StrCat(Prefix(root), "left out ",
                               Counted(count, "damaged picture", "damaged pictures"), ": ", list));
  }

 private:
  int64_t beside_ = 0;
  std::map<std::string, int64_t> others_;  // by extension
  std::vector<std::string> damaged_;
};

std::vector<std::string> NamesOf(const std::vector<fs::path>& folders) {
  std::vector<std::string> names;
  for (const fs::path& folder : folders) names.push_back(folder.filename().string());
  return names;
}

ImageSize DecodedSize(const ImageHeader& header, Orientation orientation) {
  const bool is_swapped = orientation == Orientation::kUpright && SwapsSides(header.orientation);
  return is_swapped ? ImageSize{header.size.width, header.size.height} : header.size;
}

}  // namespace

absl::StatusOr<std::vector<std::string>> ListClassFolders(const std::string& root) {
  STROP_ASSIGN_OR_RETURN(const Entries entries, SortedEntries(root));
  return NamesOf(entries.folders);
}

absl::StatusOr<ImageSet> ListImageFolder(const std::string& root, const ImageFolderOptions& options,
                                         const DataListener& listener) {
  STROP_ASSIGN_OR_RETURN(const Entries entries, SortedEntries(root));
  ImageSet images;
  images.origin = root;
  std::vector<std::string> files;
  std::vector<int64_t> classes;  // of each of them
  LeftOut left_out;
  if (options.has_classes) {
    STROP_ASSIGN_OR_RETURN(NumberedClasses numbered,
                           NumberClasses(root, NamesOf(entries.folders), options.class_names));
    images.class_names = std::move(numbered.names);
    for (size_t i = 0; i < entries.folders.size(); ++i) {
      STROP_RETURN_IF_ERROR(AddFilesBelow(entries.folders[i], {}, files));
      classes.resize(files.size(), numbered.labels[i]);
    }
    left_out.AddBeside(entries.files.size());
  } else {
    STROP_RETURN_IF_ERROR(AddFilesBelow(root, {}, files));
    classes.resize(files.size());
  }
  const Headers headers = LookAtAll(files, listener);
  std::vector<int64_t> labels;
  int64_t turned = 0;
  for (size_t i = 0; i < files.size(); ++i) {
    if (!headers[i].ok()) {
      if (!options.skips_damaged || !absl::IsInvalidArgument(headers[i].status())) {
        return headers[i].status();
      }
      left_out.AddDamaged(headers[i].status());
    } else if (!*headers[i]) {
      left_out.AddOther(files[i]);
    } else {
      images.paths.push_back(files[i]);
      images.sizes.push_back(DecodedSize(**headers[i], options.orientation));
      if (options.has_classes) labels.push_back(classes[i]);
      if ((*headers[i])->orientation != 1) ++turned;
    }
  }
  left_out.Tell(root, listener);
  if (images.paths.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(Prefix(root), "found no image, expected ",
                                                   options.has_classes ? "class/" : "",
                                                   "*.jpg or the like in it"));
  }
  const std::set<int64_t> found(labels.begin(), labels.end());
  for (size_t i = 0; options.class_names.empty() && i < images.class_names.size(); ++i) {
    if (found.contains(static_cast<int64_t>(i))) continue;
    return absl::InvalidArgumentError(absl::StrCat(Prefix(root), "found no picture for class \"",
                                                   images.class_names[i],
                                                   "\"; put some in its folder, or remove it"));
  }
  if (turned > 0 && options.orientation == Orientation::kUpright) {
    listener.Note(
        absl::StrCat(Prefix(root), "turned ", Counted(turned, "picture", "pictures"),
                     " upright, as EXIF says; --ignore-orientation takes them as stored"));
  }
  images.count = static_cast<int64_t>(images.paths.size());
  if (options.has_classes) {
    images.others = {{std::string(kTargetField), DataType::kInt64, {}}};
    images.arrays = {Tensor::FromVector({images.count}, labels)};
  }
  const auto paths = std::make_shared<const std::vector<std::string>>(images.paths);
  images.decode = [paths, orientation = options.orientation](int64_t index) {
    return DecodeImage((*paths)[static_cast<size_t>(index)], orientation);
  };
  return images;
}

}  // namespace strop
