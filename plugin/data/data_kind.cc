#include "plugin/data/data_kind.h"

#include <filesystem>
#include <memory>
#include <string_view>

#include "graph/status_macros.h"
#include "plugin/data/arrays/idx.h"
#include "plugin/data/data_file.h"
#include "plugin/data/images/image.h"

namespace strop {
namespace {

DataKind KindOfText(std::string_view path) {
  if (path.ends_with(".npz")) return DataKind::kZip;
  if (path.ends_with(".npy")) return DataKind::kNpy;
  if (path.ends_with(".gz")) return DataKind::kGzip;
  return DataKind::kText;
}

}  // namespace

absl::StatusOr<DataKind> DataKindOf(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) return DataKind::kFolder;
  STROP_ASSIGN_OR_RETURN(const std::shared_ptr<const DataFile> file, DataFile::Open(path));
  const std::string_view bytes = file->bytes();
  if (bytes.starts_with("PK\x03\x04") || bytes.starts_with("PK\x05\x06")) return DataKind::kZip;
  if (bytes.starts_with("\x93NUMPY")) return DataKind::kNpy;
  if (bytes.starts_with("\x1f\x8b")) return DataKind::kGzip;
  if (StartsAsIdx(bytes)) return DataKind::kIdx;
  if (IsPicture(bytes)) return DataKind::kPicture;
  constexpr size_t kLooksAt = 4096;
  const bool is_binary = bytes.substr(0, kLooksAt).find('\0') != std::string_view::npos;
  return is_binary ? DataKind::kUnknown : KindOfText(path);
}

}  // namespace strop
