#include "plugin/data/arrays/idx.h"

#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"

namespace strop {
namespace {

// A file, unpacked when it is compressed.
class Unpacker {
 public:
  static absl::StatusOr<Unpacker> Open(const std::string& path) {
    Unpacker unpacker(path);
    if (unpacker.file_ != nullptr) return unpacker;
    const std::string problem = absl::StrCat("cannot be opened: ", strerror(errno));
    if (errno != ENOENT) return absl::DataLossError(unpacker.Message(problem));
    return absl::NotFoundError(unpacker.Message(problem));
  }

  // The next bytes, fewer only at the end of the file.
  absl::StatusOr<std::string> Read(size_t count) {
    std::string bytes;
    // Grown by what really comes, so that a forged header allocates nothing.
    constexpr size_t kPiece = size_t{1} << 24;
    while (bytes.size() < count) {
      const size_t have = bytes.size();
      const size_t wanted = std::min(kPiece, count - have);
      bytes.resize(have + wanted);
      const int got = gzread(file_.get(), bytes.data() + have, static_cast<unsigned>(wanted));
      bytes.resize(have + static_cast<size_t>(std::max(got, 0)));
      int error = Z_OK;
      const char* message = gzerror(file_.get(), &error);
      if (got < 0 || error != Z_OK) {
        return absl::InvalidArgumentError(
            Message(absl::StrCat("cannot be unpacked: ", message, "; is the file whole?")));
      }
      if (got == 0) break;
    }
    return bytes;
  }

 private:
  struct CloseGzip {
    void operator()(gzFile_s* file) const { gzclose(file); }
  };

  explicit Unpacker(const std::string& path) : path_(path), file_(gzopen(path.c_str(), "rb")) {}

  std::string Message(const std::string& problem) const {
    return absl::StrCat("data: \"", path_, "\": ", problem);
  }

  std::string path_;
  std::unique_ptr<gzFile_s, CloseGzip> file_;
};

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

uint8_t ByteOf(std::string_view bytes, size_t index) { return static_cast<uint8_t>(bytes[index]); }

// Two zeros, the element type, the rank.
constexpr size_t kPreambleBytes = 4;

}  // namespace

bool StartsAsIdx(std::string_view bytes) {
  return bytes.size() >= kPreambleBytes && ByteOf(bytes, 0) == 0 && ByteOf(bytes, 1) == 0 &&
         TypeOfCode(ByteOf(bytes, 2)) != DataType::kUndefined && ByteOf(bytes, 3) > 0;
}

absl::StatusOr<Tensor> ReadIdx(const std::string& path) {
  STROP_ASSIGN_OR_RETURN(Unpacker file, Unpacker::Open(path));
  const auto invalid = [&](const std::string& problem) {
    return absl::InvalidArgumentError(absl::StrCat("data: \"", path, "\": ", problem));
  };
  STROP_ASSIGN_OR_RETURN(const std::string preamble, file.Read(kPreambleBytes));
  if (!StartsAsIdx(preamble)) {
    return invalid("found no IDX array, expected two zero bytes and an element type in front");
  }
  const DataType type = TypeOfCode(ByteOf(preamble, 2));
  // The dimensions follow; numbers are big-endian.
  const size_t shape_bytes = size_t{4} * ByteOf(preamble, 3);
  STROP_ASSIGN_OR_RETURN(const std::string dimensions, file.Read(shape_bytes));
  if (dimensions.size() < shape_bytes) return invalid("the header is cut short");
  Shape shape;
  for (size_t at = 0; at < shape_bytes; at += 4) {
    shape.push_back(int64_t{ByteOf(dimensions, at)} << 24 |
                    int64_t{ByteOf(dimensions, at + 1)} << 16 |
                    int64_t{ByteOf(dimensions, at + 2)} << 8 | int64_t{ByteOf(dimensions, at + 3)});
  }
  const absl::StatusOr<int64_t> count = CheckedElementCount(shape);
  if (!count.ok()) return invalid("the header's dimensions are too large");
  const size_t expected_bytes = BytesFor(type, *count);
  STROP_ASSIGN_OR_RETURN(const std::string elements, file.Read(expected_bytes));
  // Asking for more also compares the checksum at the end of what is compressed.
  STROP_ASSIGN_OR_RETURN(const std::string rest, file.Read(1));
  if (elements.size() < expected_bytes || !rest.empty()) {
    const std::string found =
        rest.empty() ? absl::StrCat(elements.size()) : absl::StrCat("more than ", elements.size());
    return invalid(absl::StrCat("found ", found, " bytes of elements, expected ",
                                std::string(DataTypeName(type)), ShapeName(shape),
                                "; is the file whole?"));
  }
  Tensor tensor(type, shape);
  auto* out = static_cast<char*>(tensor.mutable_data());
  const size_t element_bytes = BytesFor(type, 1);
  for (size_t at = 0; at < expected_bytes; at += element_bytes) {
    std::reverse_copy(elements.data() + at, elements.data() + at + element_bytes, out + at);
  }
  return tensor;
}

}  // namespace strop
