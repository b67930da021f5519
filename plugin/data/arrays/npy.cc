#include "plugin/data/arrays/npy.h"

#include <charconv>
#include <cstring>
#include <limits>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "plugin/data/data_file.h"

namespace strop {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";

struct NpyType {
  std::string_view name;  // without the byte order
  DataType type;
};

constexpr NpyType kTypes[] = {
    {"b1", DataType::kBool},    {"i1", DataType::kInt8},   {"i2", DataType::kInt16},
    {"i4", DataType::kInt32},   {"i8", DataType::kInt64},  {"u1", DataType::kUint8},
    {"u2", DataType::kUint16},  {"u4", DataType::kUint32}, {"u8", DataType::kUint64},
    {"f2", DataType::kFloat16}, {"f4", DataType::kFloat},  {"f8", DataType::kDouble},
};

struct Header {
  DataType type = DataType::kUndefined;
  bool is_fortran_order = false;
  Shape shape;
  size_t bytes = 0;          // of the header itself
  size_t element_bytes = 0;  // of all elements
};

absl::Status Invalid(const std::string& origin, const std::string& problem) {
  return absl::InvalidArgumentError(absl::StrCat("data: ", origin, ": ", problem));
}

// What follows `'key':` in the header's dictionary, blanks skipped.
std::string_view ItemOf(std::string_view header, std::string_view key) {
  for (const char quote : {'\'', '"'}) {
    const std::string quoted =
        absl::StrCat(std::string(1, quote), std::string(key), std::string(1, quote));
    const size_t at = header.find(quoted);
    if (at == std::string_view::npos) continue;
    const size_t colon = header.find(':', at + quoted.size());
    if (colon == std::string_view::npos) return {};
    const size_t begin = header.find_first_not_of(' ', colon + 1);
    return begin == std::string_view::npos ? std::string_view() : header.substr(begin);
  }
  return {};
}

absl::StatusOr<DataType> ParseType(std::string_view item, const std::string& origin) {
  const bool is_quoted = item.size() > 1 && (item[0] == '\'' || item[0] == '"');
  const size_t end = is_quoted ? item.find(item[0], 1) : std::string_view::npos;
  if (end == std::string_view::npos) {
    return Invalid(origin, "found a structured array, expected one of plain numbers");
  }
  const std::string_view name = item.substr(1, end - 1);
  if (!name.empty() && name[0] == '>' && name.find_first_of("iuf") == 1 && name != ">i1") {
    return Invalid(origin, absl::StrCat("found big-endian elements (", std::string(name),
                                        "), expected little-endian; save array.astype('<",
                                        std::string(name.substr(1)), "')"));
  }
  for (const NpyType& type : kTypes) {
    if (name.size() == 3 && name.substr(1) == type.name) return type.type;
  }
  return Invalid(origin, absl::StrCat("found elements of dtype ", std::string(name),
                                      ", expected booleans, integers or floating numbers"));
}

absl::StatusOr<Shape> ParseShape(std::string_view item, const std::string& origin) {
  const absl::Status malformed = Invalid(origin, "the header's shape cannot be read");
  const size_t end = item.find(')');
  if (item.empty() || item[0] != '(' || end == std::string_view::npos) return malformed;
  Shape shape;
  const char* at = item.data() + 1;
  const char* const last = item.data() + end;
  while (at < last) {
    if (*at == ' ' || *at == ',') {
      ++at;
      continue;
    }
    int64_t dimension = 0;
    const auto [next, error] = std::from_chars(at, last, dimension);
    if (error != std::errc() || dimension < 0) return malformed;
    shape.push_back(dimension);
    at = next;
  }
  return shape;
}

absl::StatusOr<Header> ParseDictionary(std::string_view text, const std::string& origin) {
  Header header;
  STROP_ASSIGN_OR_RETURN(header.type, ParseType(ItemOf(text, "descr"), origin));
  STROP_ASSIGN_OR_RETURN(header.shape, ParseShape(ItemOf(text, "shape"), origin));
  header.is_fortran_order = ItemOf(text, "fortran_order").substr(0, 4) == "True";
  const absl::StatusOr<int64_t> count = CheckedElementCount(header.shape);
  if (!count.ok() || *count > std::numeric_limits<int64_t>::max() / 8) {
    return Invalid(
        origin, absl::StrCat("found an array ", ShapeName(header.shape), ", larger than any file"));
  }
  header.element_bytes = BytesFor(header.type, *count);
  return header;
}

// The header that `bytes` begin with.
absl::StatusOr<Header> ParseHeader(std::string_view bytes, const std::string& origin) {
  if (bytes.size() < 10 || bytes.substr(0, kMagic.size()) != kMagic) {
    return Invalid(origin, "found no NumPy array (the file does not begin with \\x93NUMPY)");
  }
  const auto byte = [&](size_t index) {
    return static_cast<size_t>(static_cast<uint8_t>(bytes[index]));
  };
  const size_t version = byte(6);
  const size_t prefix = version == 1 ? 10 : 12;
  if (version < 1 || version > 3 || bytes.size() < prefix) {
    return Invalid(origin, absl::StrCat("found .npy version ", version, ", expected 1 to 3"));
  }
  size_t dictionary_bytes = byte(8) | byte(9) << 8;
  if (version > 1) dictionary_bytes |= byte(10) << 16 | byte(11) << 24;
  if (bytes.size() - prefix < dictionary_bytes) return Invalid(origin, "the array is cut short");
  STROP_ASSIGN_OR_RETURN(Header header,
                         ParseDictionary(bytes.substr(prefix, dictionary_bytes), origin));
  header.bytes = prefix + dictionary_bytes;
  return header;
}

// Copies elements whose first axis varies fastest into row-major order.
Tensor FromFortranOrder(const Header& header, const char* source) {
  Tensor tensor(header.type, header.shape);
  const size_t element_bytes = BytesFor(header.type, 1);
  auto* out = static_cast<char*>(tensor.mutable_data());
  const size_t rank = header.shape.size();
  Shape strides(rank, 1);
  for (size_t axis = 1; axis < rank; ++axis) {
    strides[axis] = strides[axis - 1] * header.shape[axis - 1];
  }
  Shape index(rank, 0);
  int64_t offset = 0;
  for (int64_t i = 0; i < tensor.element_count(); ++i) {
    std::memcpy(out + static_cast<size_t>(i) * element_bytes,
                source + static_cast<size_t>(offset) * element_bytes, element_bytes);
    for (size_t axis = rank; axis-- > 0;) {
      offset += strides[axis];
      if (++index[axis] < header.shape[axis]) break;
      offset -= strides[axis] * header.shape[axis];
      index[axis] = 0;
    }
  }
  return tensor;
}

// A bool in C++ is 0 or 1 and nothing else, whatever the file holds.
Tensor FromBytesAsBooleans(const Header& header, std::string_view bytes) {
  Tensor tensor(DataType::kBool, header.shape);
  auto elements = tensor.mutable_elements<bool>();
  for (size_t i = 0; i < elements.size(); ++i) elements[i] = bytes[i] != 0;
  return tensor;
}

}  // namespace

absl::StatusOr<Tensor> ParseNpy(std::string_view bytes, std::shared_ptr<const void> owner,
                                const std::string& origin) {
  STROP_ASSIGN_OR_RETURN(const Header header, ParseHeader(bytes, origin));
  const std::string_view elements = bytes.substr(header.bytes);
  if (header.element_bytes != elements.size()) {
    return Invalid(origin, absl::StrCat("found ", elements.size(), " bytes of elements, expected ",
                                        std::string(DataTypeName(header.type)),
                                        ShapeName(header.shape), "; is the file whole?"));
  }
  if (header.is_fortran_order && header.shape.size() > 1) {
    return FromFortranOrder(header, elements.data());
  }
  if (header.type == DataType::kBool) return FromBytesAsBooleans(header, elements);
  const bool is_aligned = reinterpret_cast<uintptr_t>(elements.data()) % 8 == 0;
  if (is_aligned) {
    return Tensor::Borrow(header.type, header.shape, elements.data(), std::move(owner));
  }
  Tensor tensor(header.type, header.shape);
  if (!elements.empty()) std::memcpy(tensor.mutable_data(), elements.data(), elements.size());
  return tensor;
}

absl::StatusOr<size_t> NpyFileBytes(std::string_view beginning, const std::string& origin) {
  STROP_ASSIGN_OR_RETURN(const Header header, ParseHeader(beginning, origin));
  return header.bytes + header.element_bytes;
}

absl::StatusOr<Tensor> ReadNpy(const std::string& path) {
  STROP_ASSIGN_OR_RETURN(std::shared_ptr<const DataFile> file, DataFile::Open(path));
  return ParseNpy(file->bytes(), file, absl::StrCat("\"", path, "\""));
}

std::string NpyHeader(DataType type, absl::Span<const int64_t> shape) {
  std::string_view name;
  for (const NpyType& row : kTypes) {
    if (row.type == type) name = row.name;
  }
  const char order = BytesFor(type, 1) == 1 ? '|' : '<';
  std::string dictionary = absl::StrCat("{'descr': '", std::string(1, order), std::string(name),
                                        "', 'fortran_order': False, 'shape': (");
  for (const int64_t dimension : shape) absl::StrAppend(&dictionary, dimension, ", ");
  if (shape.size() > 1) dictionary.resize(dictionary.size() - 2);
  if (shape.size() == 1) dictionary.resize(dictionary.size() - 1);
  absl::StrAppend(&dictionary, "), }");
  // Blanks bring the elements to a multiple of 64 bytes; a line feed ends the header.
  const size_t unpadded = kMagic.size() + 4 + dictionary.size() + 1;
  dictionary.append((64 - unpadded % 64) % 64, ' ');
  dictionary.push_back('\n');
  std::string header(kMagic);
  header.append({'\x01', '\x00', static_cast<char>(dictionary.size() & 0xff),
                 static_cast<char>(dictionary.size() >> 8)});
  return header + dictionary;
}

bool HasNpyType(DataType type) {
  for (const NpyType& row : kTypes) {
    if (row.type == type) return true;
  }
  return false;
}

}  // namespace strop
