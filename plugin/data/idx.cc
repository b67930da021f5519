#include "plugin/data/idx.h"

#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"

namespace strop {
namespace {

struct CloseGzip {
  void operator()(gzFile_s* file) const { gzclose(file); }
};

// Everything in the file, unpacked when it is compressed.
absl::StatusOr<std::string> ReadUnpacked(const std::string& path) {
  const std::unique_ptr<gzFile_s, CloseGzip> file(gzopen(path.c_str(), "rb"));
  if (file == nullptr) {
    const std::string message =
        absl::StrCat("data: \"", path, "\": cannot be opened: ", strerror(errno));
    return errno == ENOENT ? absl::NotFoundError(message) : absl::DataLossError(message);
  }
  std::string bytes;
  constexpr size_t kPiece = size_t{1} << 20;
  while (true) {
    const size_t have = bytes.size();
    bytes.resize(have + kPiece);
    const int got = gzread(file.get(), bytes.data() + have, kPiece);
    bytes.resize(have + static_cast<size_t>(std::max(got, 0)));
    int error = Z_OK;
    const char* message = gzerror(file.get(), &error);
    if (got < 0 || error != Z_OK) {
      return absl::InvalidArgumentError(
          absl::StrCat("data: \"", path, "\": cannot be unpacked: ", message));
    }
    if (got == 0) return bytes;
  }
}

DataType TypeOfCode(uint8_t code) {
  switch (code) {
    case 0x08:
      return DataType::kUint8;
    case 0x09:
      return DataType::kInt8;
    case 0x0B:
      return DataType::kInt16;
    case 0x0C:
      return DataType::kInt32;
    case 0x0D:
      return DataType::kFloat;
    case 0x0E:
      return DataType::kDouble;
    default:
      return DataType::kUndefined;
  }
}

}  // namespace

absl::StatusOr<Tensor> ReadIdx(const std::string& path) {
  STROP_ASSIGN_OR_RETURN(const std::string bytes, ReadUnpacked(path));
  const auto invalid = [&](const std::string& problem) {
    return absl::InvalidArgumentError(absl::StrCat("data: \"", path, "\": ", problem));
  };
  const auto byte = [&](size_t index) { return static_cast<uint8_t>(bytes[index]); };
  // Two zeros, the element type, the rank, the dimensions; numbers are big-endian.
  if (bytes.size() < 4 || byte(0) != 0 || byte(1) != 0 ||
      TypeOfCode(byte(2)) == DataType::kUndefined) {
    return invalid("found no IDX array, expected two zero bytes and an element type in front");
  }
  const DataType type = TypeOfCode(byte(2));
  const size_t rank = byte(3);
  const size_t header_bytes = 4 + 4 * rank;
  if (bytes.size() < header_bytes) return invalid("the header is cut short");
  Shape shape;
  for (size_t at = 4; at < header_bytes; at += 4) {
    shape.push_back(int64_t{byte(at)} << 24 | int64_t{byte(at + 1)} << 16 |
                    int64_t{byte(at + 2)} << 8 | int64_t{byte(at + 3)});
  }
  const absl::StatusOr<int64_t> count = CheckedElementCount(shape);
  if (!count.ok() || BytesFor(type, *count) != bytes.size() - header_bytes) {
    return invalid(absl::StrCat("found ", bytes.size() - header_bytes,
                                " bytes of elements, expected ", std::string(DataTypeName(type)),
                                ShapeName(shape), "; is the file whole?"));
  }
  Tensor tensor(type, shape);
  auto* out = static_cast<char*>(tensor.mutable_data());
  const size_t element_bytes = BytesFor(type, 1);
  for (int64_t i = 0; i < *count; ++i) {
    const char* from = bytes.data() + header_bytes + static_cast<size_t>(i) * element_bytes;
    std::reverse_copy(from, from + element_bytes, out + static_cast<size_t>(i) * element_bytes);
  }
  return tensor;
}

}  // namespace strop
