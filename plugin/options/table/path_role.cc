#include "plugin/options/table/path_role.h"

#include <algorithm>

#include "plugin/training/run/run_folder.h"

namespace strop {
namespace {

// What lies in a class's folder, and pictures without one, whose classes are to be predicted.
std::vector<std::string> PicturesOfFolders() {
  return {"*/*",   "*.jpg", "*.jpeg", "*.png", "*.bmp",  "*.gif", "*.pbm",
          "*.pgm", "*.pnm", "*.ppm",  "*.tif", "*.tiff", "*.webp"};
}

std::vector<std::string> OwnFilesOfStudies() { return {"journal.jsonl", "trial-*"}; }

std::vector<std::string> OwnFilesOfRunsAndStudies() {
  std::vector<std::string> files = RunFolder::OwnFiles();
  for (std::string& file : OwnFilesOfStudies()) files.push_back(std::move(file));
  return files;
}

}  // namespace

const std::vector<PathKind>& AllPathKinds() {
  static const std::vector<PathKind> kKinds = {
      {.role = PathRole::kModel, .name = "model", .value_name = "FILE.onnx"},
      {.role = PathRole::kInputFile, .name = "input file", .value_name = "FILE"},
      {.role = PathRole::kData, .name = "data", .value_name = "DATA", .own = PicturesOfFolders()},
      {.role = PathRole::kInputRun,
       .name = "run that is read",
       .value_name = "RUN",
       .is_folder = true,
       .own = OwnFilesOfRunsAndStudies()},
      {.role = PathRole::kOutputFile,
       .name = "output file",
       .value_name = "FILE",
       .is_written = true},
      {.role = PathRole::kRun,
       .name = "run",
       .value_name = "RUN",
       .is_written = true,
       .is_folder = true,
       .own = RunFolder::OwnFiles()},
      {.role = PathRole::kStudy,
       .name = "study",
       .value_name = "STUDY",
       .is_written = true,
       .is_folder = true,
       .own = OwnFilesOfStudies()},
      {.role = PathRole::kAdapter,
       .name = "adapter",
       .value_name = "FOLDER",
       .is_written = true,
       .is_folder = true,
       .own = {"adapter_config.json", "adapter_model.safetensors"}},
  };
  return kKinds;
}

const PathKind& KindOf(PathRole role) {
  const std::vector<PathKind>& kinds = AllPathKinds();
  return *std::find_if(kinds.begin(), kinds.end(),
                       [role](const PathKind& kind) { return kind.role == role; });
}

}  // namespace strop
