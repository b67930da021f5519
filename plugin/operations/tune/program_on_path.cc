#include "plugin/operations/tune/program_on_path.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace strop {

absl::StatusOr<std::string> ProgramOnPath(const std::string& name) {
  const char* folders = std::getenv("PATH");
  const std::vector<std::string> parts = absl::StrSplit(folders == nullptr ? "" : folders, ':');
  for (const std::string& folder : parts) {
    // An empty part means the working folder.
    const std::filesystem::path path = std::filesystem::path(folder.empty() ? "." : folder) / name;
    std::error_code ignored;
    const bool is_file = std::filesystem::is_regular_file(path, ignored);
    if (is_file && access(path.c_str(), X_OK) == 0) return path.string();
  }
  return absl::NotFoundError(absl::StrCat("found no program \"", name,
                                          "\" in the folders of PATH, expected one; add its "
                                          "folder to PATH"));
}

}  // namespace strop
