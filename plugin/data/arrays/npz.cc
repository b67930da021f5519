#include "plugin/data/arrays/npz.h"

#include <zip.h>

#include <cerrno>
#include <cstring>
#include <set>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "plugin/data/arrays/npy.h"

namespace strop {
namespace {

constexpr std::string_view kSuffix = ".npy";
constexpr zip_uint16_t kFirstDosDate = (0 << 9) | (1 << 5) | 1;  // 1980-01-01

struct DiscardArchive {
  void operator()(zip_t* archive) const { zip_discard(archive); }
};
using Archive = std::unique_ptr<zip_t, DiscardArchive>;

struct CloseFile {
  void operator()(zip_file_t* file) const { zip_fclose(file); }
};

absl::StatusOr<Archive> OpenForReading(const std::string& path) {
  int error = 0;
  Archive archive(zip_open(path.c_str(), ZIP_RDONLY, &error));
  if (archive != nullptr) return archive;
  const std::string where = absl::StrCat("data: \"", path, "\": ");
  if (error == ZIP_ER_NOENT) return absl::NotFoundError(where + "no such file");
  if (error == ZIP_ER_OPEN || error == ZIP_ER_READ) {
    return absl::DataLossError(absl::StrCat(where, "cannot be read: ", strerror(errno)));
  }
  return absl::InvalidArgumentError(where +
                                    "found no zip archive, expected what numpy.savez writes");
}

absl::Status Damaged(zip_file_t* file, const std::string& origin) {
  zip_error_t* error = zip_file_get_error(file);
  const std::string problem = zip_error_code_zip(error) == ZIP_ER_OK
                                  ? "the member is not as long as it says"
                                  : zip_error_strerror(error);
  return absl::InvalidArgumentError(
      absl::StrCat("data: ", origin, ": the archive is damaged: ", problem));
}

// Reads on until there are so many bytes; they grow by what really comes, so that a forged size
// allocates nothing.
absl::Status ReadUntil(zip_file_t* file, size_t size, const std::string& origin,
                       std::string& bytes) {
  constexpr size_t kPiece = size_t{1} << 24;
  while (bytes.size() < size) {
    const size_t have = bytes.size();
    bytes.resize(have + std::min(kPiece, size - have));
    const zip_int64_t got = zip_fread(file, bytes.data() + have, bytes.size() - have);
    if (got <= 0) return Damaged(file, origin);
    bytes.resize(have + static_cast<size_t>(got));
  }
  return absl::OkStatus();
}

absl::StatusOr<NamedTensor> ReadMember(zip_t* archive, zip_uint64_t index,
                                       const std::string& path) {
  zip_stat_t status;
  zip_stat_init(&status);
  if (zip_stat_index(archive, index, 0, &status) != 0 || (status.valid & ZIP_STAT_NAME) == 0 ||
      (status.valid & ZIP_STAT_SIZE) == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("data: \"", path, "\": member ", index, " cannot be read"));
  }
  std::string name = status.name;
  const std::string origin = absl::StrCat("\"", path, "\", array \"", name, "\"");
  std::unique_ptr<zip_file_t, CloseFile> file(zip_fopen_index(archive, index, 0));
  if (file == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat("data: ", origin, ": ", zip_strerror(archive)));
  }
  auto bytes = std::make_shared<std::string>();
  STROP_RETURN_IF_ERROR(
      ReadUntil(file.get(), std::min<size_t>(status.size, kMaximumNpyHeader), origin, *bytes));
  STROP_ASSIGN_OR_RETURN(const size_t expected, NpyFileBytes(*bytes, origin));
  if (expected != status.size) {
    return absl::InvalidArgumentError(absl::StrCat("data: ", origin, ": found a member of ",
                                                   status.size, " bytes, expected ", expected,
                                                   " as its header says; the archive is damaged"));
  }
  STROP_RETURN_IF_ERROR(ReadUntil(file.get(), expected, origin, *bytes));
  // libzip compares the checksum when it meets the end.
  char beyond = 0;
  if (zip_fread(file.get(), &beyond, 1) != 0) return Damaged(file.get(), origin);
  STROP_ASSIGN_OR_RETURN(Tensor tensor, ParseNpy(*bytes, bytes, origin));
  if (name.ends_with(kSuffix)) name.resize(name.size() - kSuffix.size());
  return NamedTensor{std::move(name), std::move(tensor)};
}

absl::Status WriteError(const std::string& path, zip_t* archive) {
  zip_error_t* error = zip_get_error(archive);
  const int system_error = zip_error_code_system(error);
  const std::string message = absl::StrCat("write: \"", path, "\": ", zip_error_strerror(error));
  if (system_error == ENOSPC || system_error == EDQUOT) {
    return absl::ResourceExhaustedError(message);
  }
  const int code = zip_error_code_zip(error);
  if (code == ZIP_ER_OPEN || code == ZIP_ER_TMPOPEN || code == ZIP_ER_RENAME) {
    return absl::PermissionDeniedError(message);
  }
  return absl::DataLossError(message);
}

// A member made of a header and the tensor's own bytes; both must outlive zip_close.
absl::Status AddMember(zip_t* archive, const std::string& name, const std::string& header,
                       const Tensor& tensor, const std::string& path) {
  zip_buffer_fragment_t fragments[2];
  fragments[0].data = reinterpret_cast<zip_uint8_t*>(const_cast<char*>(header.data()));
  fragments[0].length = header.size();
  fragments[1].data = static_cast<zip_uint8_t*>(const_cast<void*>(tensor.data()));
  fragments[1].length = tensor.bytes();
  const zip_uint64_t count = tensor.bytes() > 0 ? 2 : 1;
  zip_source_t* source = zip_source_buffer_fragment(archive, fragments, count, 0);
  if (source == nullptr) return WriteError(path, archive);
  const zip_int64_t index =
      zip_file_add(archive, (name + std::string(kSuffix)).c_str(), source, ZIP_FL_ENC_UTF_8);
  if (index < 0) {
    zip_source_free(source);
    return WriteError(path, archive);
  }
  const auto member = static_cast<zip_uint64_t>(index);
  if (zip_set_file_compression(archive, member, ZIP_CM_STORE, 0) != 0 ||
      zip_file_set_dostime(archive, member, 0, kFirstDosDate, 0) != 0) {
    return WriteError(path, archive);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<NamedTensor>> ReadNpz(const std::string& path) {
  STROP_ASSIGN_OR_RETURN(const Archive archive, OpenForReading(path));
  std::vector<NamedTensor> tensors;
  std::set<std::string> names;
  const zip_int64_t count = zip_get_num_entries(archive.get(), 0);
  for (zip_int64_t i = 0; i < count; ++i) {
    STROP_ASSIGN_OR_RETURN(NamedTensor tensor,
                           ReadMember(archive.get(), static_cast<zip_uint64_t>(i), path));
    if (!names.insert(tensor.name).second) {
      return absl::InvalidArgumentError(absl::StrCat("data: \"", path, "\": found two arrays \"",
                                                     tensor.name, "\", expected one of a name"));
    }
    tensors.push_back(std::move(tensor));
  }
  return tensors;
}

absl::Status WriteNpz(const std::string& path, absl::Span<const NamedTensor> tensors) {
  std::vector<Tensor> contents;  // alive until the archive is closed
  std::vector<std::string> headers;
  for (const NamedTensor& named : tensors) {
    Tensor tensor = named.tensor;
    if (!HasNpyType(tensor.type())) {
      STROP_ASSIGN_OR_RETURN(tensor, ConvertTensor(tensor, DataType::kFloat));
    }
    headers.push_back(NpyHeader(tensor.type(), tensor.shape()));
    contents.push_back(std::move(tensor));
  }
  int error = 0;
  Archive archive(zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, &error));
  if (archive == nullptr) {
    return absl::PermissionDeniedError(
        absl::StrCat("write: \"", path, "\": cannot be created: ", strerror(errno)));
  }
  for (size_t i = 0; i < contents.size(); ++i) {
    STROP_RETURN_IF_ERROR(AddMember(archive.get(), tensors[i].name, headers[i], contents[i], path));
  }
  if (zip_close(archive.get()) != 0) return WriteError(path, archive.get());
  archive.release();
  return absl::OkStatus();
}

}  // namespace strop
