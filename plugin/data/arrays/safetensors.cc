#include "plugin/data/arrays/safetensors.h"

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "exporter/atomic_file.h"
#include "graph/status_macros.h"
#include "plugin/data/data_file.h"

namespace strop {
namespace {

using Json = nlohmann::json;

constexpr size_t kLengthBytes = 8;
constexpr size_t kAlignment = 64;
constexpr uint64_t kLargestHeader = 100'000'000;  // the format's own bound
constexpr std::string_view kMetadataKey = "__metadata__";

struct TypeRow {
  std::string_view name;
  DataType type;
};

constexpr TypeRow kTypes[] = {
    {"BOOL", DataType::kBool},
    {"U8", DataType::kUint8},
    {"I8", DataType::kInt8},
    {"F8_E5M2", DataType::kFloat8E5M2},
    {"F8_E4M3", DataType::kFloat8E4M3FN},
    {"F8_E8M0", DataType::kFloat8E8M0},
    {"I16", DataType::kInt16},
    {"U16", DataType::kUint16},
    {"F16", DataType::kFloat16},
    {"BF16", DataType::kBFloat16},
    {"I32", DataType::kInt32},
    {"U32", DataType::kUint32},
    {"F32", DataType::kFloat},
    {"C64", DataType::kComplex64},
    {"F64", DataType::kDouble},
    {"I64", DataType::kInt64},
    {"U64", DataType::kUint64},
};

// What the header says of one tensor; `begin` and `end` count from the first element's byte.
struct Entry {
  std::string name;
  DataType type = DataType::kUndefined;
  Shape shape;
  uint64_t begin = 0;
  uint64_t end = 0;
};

absl::Status Invalid(const std::string& origin, const std::string& problem) {
  return absl::InvalidArgumentError(absl::StrCat("data: ", origin, ": ", problem));
}

std::string_view NameOf(DataType type) {
  for (const TypeRow& row : kTypes) {
    if (row.type == type) return row.name;
  }
  return {};
}

DataType TypeNamed(std::string_view name) {
  for (const TypeRow& row : kTypes) {
    if (row.name == name) return row.type;
  }
  return DataType::kUndefined;
}

// The header is an object of objects of arrays; what lies deeper is not kept, names that occur
// twice are refused.
absl::StatusOr<Json> ParseJson(std::string_view text, const std::string& origin) {
  constexpr int kDeepest = 3;
  std::set<std::string> names;
  std::string repeated;
  const auto keep = [&](int depth, Json::parse_event_t event, Json& parsed) {
    if (event == Json::parse_event_t::key && depth == 1 &&
        !names.insert(parsed.get_ref<const std::string&>()).second) {
      repeated = parsed.get_ref<const std::string&>();
    }
    return depth <= kDeepest;
  };
  Json header = Json::parse(text.begin(), text.end(), keep, /*allow_exceptions=*/false);
  if (!repeated.empty()) {
    return Invalid(origin, absl::StrCat("found two tensors called \"", repeated, "\""));
  }
  if (!header.is_object()) return Invalid(origin, "the header is no JSON object; is it whole?");
  return header;
}

absl::StatusOr<SafetensorsMetadata> ParseMetadata(const Json& item, const std::string& origin) {
  SafetensorsMetadata metadata;
  if (!item.is_object()) return Invalid(origin, "the header's metadata are no object");
  for (const auto& [key, value] : item.items()) {
    if (!value.is_string()) {
      return Invalid(origin, absl::StrCat("metadata \"", key, "\": expected text"));
    }
    metadata.emplace_back(key, value.get<std::string>());
  }
  return metadata;
}

// The item's numbers from 0 to 2^62, or nothing when it is no array of these.
std::optional<std::vector<uint64_t>> Numbers(const Json& object, const char* key) {
  constexpr uint64_t kLargest = uint64_t{1} << 62;
  const auto item = object.find(key);
  if (item == object.end() || !item->is_array()) return std::nullopt;
  std::vector<uint64_t> numbers;
  for (const Json& number : *item) {
    if (!number.is_number_unsigned() || number.get<uint64_t>() > kLargest) return std::nullopt;
    numbers.push_back(number.get<uint64_t>());
  }
  return numbers;
}

absl::StatusOr<Entry> ParseEntry(const std::string& name, const Json& item, uint64_t data_bytes,
                                 const std::string& origin) {
  const std::string label = absl::StrCat("tensor \"", name, "\": ");
  if (!item.is_object()) return Invalid(origin, label + "the header does not describe it");
  Entry entry;
  entry.name = name;
  const auto found = item.find("dtype");
  const bool has_type = found != item.end() && found->is_string();
  const std::string type = has_type ? found->get<std::string>() : "";
  entry.type = TypeNamed(type);
  if (entry.type == DataType::kUndefined) {
    return Invalid(origin, absl::StrCat(label, "found dtype \"", type,
                                        "\", expected one like F32, I64 or BOOL"));
  }
  const auto dimensions = Numbers(item, "shape");
  const auto offsets = Numbers(item, "data_offsets");
  if (!dimensions || !offsets || offsets->size() != 2) {
    return Invalid(origin, label + "expected a shape and two data_offsets");
  }
  for (const uint64_t dimension : *dimensions) {
    entry.shape.push_back(static_cast<int64_t>(dimension));
  }
  entry.begin = (*offsets)[0];
  entry.end = (*offsets)[1];
  if (entry.begin > entry.end || entry.end > data_bytes) {
    return Invalid(origin, absl::StrCat(label, "found bytes ", entry.begin, " to ", entry.end,
                                        " of ", data_bytes, "; is the file whole?"));
  }
  const absl::StatusOr<int64_t> count = CheckedElementCount(entry.shape);
  if (!count.ok() || BytesFor(entry.type, *count) != entry.end - entry.begin) {
    return Invalid(
        origin, absl::StrCat(label, "found ", entry.end - entry.begin, " bytes, expected those of ",
                             type, ShapeName(entry.shape)));
  }
  return entry;
}

// Every byte of the data belongs to one tensor.
absl::Status CheckTiling(const std::vector<Entry>& entries, uint64_t data_bytes,
                         const std::string& origin) {
  uint64_t at = 0;
  for (const Entry& entry : entries) {
    if (entry.begin != at) {
      return Invalid(origin,
                     absl::StrCat("tensor \"", entry.name, "\" begins at byte ", entry.begin,
                                  ", expected ", at, ", where the one before it ends"));
    }
    at = entry.end;
  }
  if (at == data_bytes) return absl::OkStatus();
  return Invalid(origin, absl::StrCat("found ", data_bytes, " bytes of elements, expected ", at));
}

absl::StatusOr<Tensor> TensorOf(const Entry& entry, std::string_view data,
                                const std::shared_ptr<const void>& owner,
                                const std::string& origin) {
  const std::string_view bytes = data.substr(entry.begin, entry.end - entry.begin);
  // A bool in C++ is 0 or 1 and nothing else.
  if (entry.type == DataType::kBool &&
      std::any_of(bytes.begin(), bytes.end(), [](char byte) { return (byte & ~1) != 0; })) {
    return Invalid(origin, absl::StrCat("tensor \"", entry.name,
                                        "\": found a boolean that is neither 0 nor 1"));
  }
  constexpr uintptr_t kLargestElement = 8;
  if (reinterpret_cast<uintptr_t>(bytes.data()) % kLargestElement == 0) {
    return Tensor::Borrow(entry.type, entry.shape, bytes.data(), owner);
  }
  Tensor tensor(entry.type, entry.shape);
  if (!bytes.empty()) std::memcpy(tensor.mutable_data(), bytes.data(), bytes.size());
  return tensor;
}

// As a JSON string, which has to be UTF-8.
absl::StatusOr<std::string> Quoted(const std::string& text) {
  try {
    return Json(text).dump();
  } catch (const Json::exception&) {
    return absl::InvalidArgumentError("write: a tensor's name is no UTF-8, as safetensors wants");
  }
}

}  // namespace

absl::StatusOr<SafetensorsContents> ParseSafetensors(std::string_view bytes,
                                                     std::shared_ptr<const void> owner,
                                                     const std::string& origin) {
  uint64_t header_bytes = 0;
  if (bytes.size() >= kLengthBytes) std::memcpy(&header_bytes, bytes.data(), kLengthBytes);
  if (bytes.size() < kLengthBytes || header_bytes > kLargestHeader ||
      header_bytes > bytes.size() - kLengthBytes) {
    return Invalid(origin, absl::StrCat("found ", bytes.size(), " bytes with a header of ",
                                        header_bytes, ", expected a whole safetensors file"));
  }
  const std::string_view text = bytes.substr(kLengthBytes, header_bytes);
  if (text.empty() || text[0] != '{') {
    return Invalid(origin, "found no safetensors header (it begins with \"{\")");
  }
  const std::string_view data = bytes.substr(kLengthBytes + header_bytes);
  STROP_ASSIGN_OR_RETURN(const Json header, ParseJson(text, origin));
  SafetensorsContents contents;
  std::vector<Entry> entries;
  for (const auto& [name, item] : header.items()) {
    if (name == kMetadataKey) {
      STROP_ASSIGN_OR_RETURN(contents.metadata, ParseMetadata(item, origin));
      continue;
    }
    STROP_ASSIGN_OR_RETURN(Entry entry, ParseEntry(name, item, data.size(), origin));
    entries.push_back(std::move(entry));
  }
  std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  STROP_RETURN_IF_ERROR(CheckTiling(entries, data.size(), origin));
  for (const Entry& entry : entries) {
    STROP_ASSIGN_OR_RETURN(Tensor tensor, TensorOf(entry, data, owner, origin));
    contents.tensors.push_back({entry.name, std::move(tensor)});
  }
  return contents;
}

absl::StatusOr<SafetensorsContents> ReadSafetensors(const std::string& path) {
  STROP_ASSIGN_OR_RETURN(const std::shared_ptr<const DataFile> file, DataFile::Open(path));
  return ParseSafetensors(file->bytes(), file, absl::StrCat("\"", path, "\""));
}

bool HasSafetensorsType(DataType type) { return !NameOf(type).empty(); }

std::vector<NamedTensor> InSafetensorsOrder(absl::Span<const NamedTensor> tensors) {
  std::vector<NamedTensor> ordered(tensors.begin(), tensors.end());
  std::sort(ordered.begin(), ordered.end(), [](const NamedTensor& a, const NamedTensor& b) {
    const int a_bits = BitsPerElement(a.tensor.type());
    const int b_bits = BitsPerElement(b.tensor.type());
    return a_bits != b_bits ? a_bits > b_bits : a.name < b.name;
  });
  return ordered;
}

absl::StatusOr<std::string> SafetensorsHeader(absl::Span<const NamedTensor> tensors,
                                              const SafetensorsMetadata& metadata) {
  std::vector<std::string> items;
  if (!metadata.empty()) {
    std::vector<std::string> pairs;
    for (const auto& [key, value] : metadata) {
      STROP_ASSIGN_OR_RETURN(const std::string quoted_key, Quoted(key));
      STROP_ASSIGN_OR_RETURN(const std::string quoted_value, Quoted(value));
      pairs.push_back(absl::StrCat(quoted_key, ":", quoted_value));
    }
    items.push_back(
        absl::StrCat("\"", std::string(kMetadataKey), "\":{", absl::StrJoin(pairs, ","), "}"));
  }
  std::set<std::string_view> names = {kMetadataKey};
  uint64_t at = 0;
  for (const auto& [name, tensor] : tensors) {
    if (!names.insert(name).second) {
      return absl::InvalidArgumentError(
          absl::StrCat("write: tensor \"", name, "\": the file has or reserves that name already"));
    }
    if (!HasSafetensorsType(tensor.type())) {
      return absl::InvalidArgumentError(absl::StrCat("write: tensor \"", name,
                                                     "\": safetensors has no type for ",
                                                     std::string(DataTypeName(tensor.type()))));
    }
    STROP_ASSIGN_OR_RETURN(const std::string quoted, Quoted(name));
    const uint64_t end = at + tensor.bytes();
    items.push_back(absl::StrCat(quoted, ":{\"dtype\":\"", std::string(NameOf(tensor.type())),
                                 "\",\"shape\":[", absl::StrJoin(tensor.shape(), ","),
                                 "],\"data_offsets\":[", at, ",", end, "]}"));
    at = end;
  }
  std::string text = absl::StrCat("{", absl::StrJoin(items, ","), "}");
  const size_t unpadded = kLengthBytes + text.size();
  text.append((kAlignment - unpadded % kAlignment) % kAlignment, ' ');
  const uint64_t header_bytes = text.size();
  return std::string(reinterpret_cast<const char*>(&header_bytes), kLengthBytes) + text;
}

absl::Status WriteSafetensors(const std::string& path, absl::Span<const NamedTensor> tensors,
                              const SafetensorsMetadata& metadata) {
  const std::vector<NamedTensor> ordered = InSafetensorsOrder(tensors);
  STROP_ASSIGN_OR_RETURN(const std::string header, SafetensorsHeader(ordered, metadata));
  STROP_ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::Create(path));
  STROP_RETURN_IF_ERROR(file.Append(header));
  for (const NamedTensor& named : ordered) {
    STROP_RETURN_IF_ERROR(
        file.Append({static_cast<const char*>(named.tensor.data()), named.tensor.bytes()}));
  }
  STROP_RETURN_IF_ERROR(file.Flush());
  return file.Commit();
}

}  // namespace strop
