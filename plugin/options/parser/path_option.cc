#include "plugin/options/parser/path_option.h"

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
      {.role = PathRole::kModel, .name = "model", .type_name = "FILE.onnx"},
      {.role = PathRole::kInputFile, .name = "input file", .type_name = "FILE"},
      {.role = PathRole::kData, .name = "data", .type_name = "DATA", .own = PicturesOfFolders()},
      {.role = PathRole::kInputRun,
       .name = "run that is read",
       .type_name = "RUN",
       .is_folder = true,
       .own = OwnFilesOfRunsAndStudies()},
      {.role = PathRole::kOutputFile,
       .name = "output file",
       .type_name = "FILE",
       .is_written = true},
      {.role = PathRole::kRun,
       .name = "run",
       .type_name = "RUN",
       .is_written = true,
       .is_folder = true,
       .own = RunFolder::OwnFiles()},
      {.role = PathRole::kStudy,
       .name = "study",
       .type_name = "STUDY",
       .is_written = true,
       .is_folder = true,
       .own = OwnFilesOfStudies()},
      {.role = PathRole::kAdapter,
       .name = "adapter",
       .type_name = "FOLDER",
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

CLI::Validator IsPath(PathRole role) {
  return CLI::Validator(
      [](std::string& typed) -> std::string {
        return typed.empty() ? "found \"\", expected the name of a file or folder" : "";
      },
      "", KindOf(role).name);
}

std::optional<PathRole> PathRoleOf(CLI::Option& option) {
  try {
    for (int i = 0;; ++i) {
      const std::string& name = option.get_validator(i)->get_name();
      for (const PathKind& kind : AllPathKinds()) {
        if (kind.name == name) return kind.role;
      }
    }
  } catch (const CLI::OptionNotFound&) {  // CLI11 does not say how many validators there are
    return std::nullopt;
  }
}

std::string ShownName(const CLI::Option& option) {
  const std::vector<std::string>& letters = option.get_snames();
  return letters.empty() ? option.get_name() : "-" + letters.front();
}

}  // namespace strop
