#include "importer/wire_format.h"

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"

namespace strop {
namespace {

absl::Status Malformed(size_t offset) {
  return absl::InvalidArgumentError(absl::StrCat(
      "the bytes at offset ", offset,
      " are no protobuf message; the file is truncated or no ONNX model, export it again"));
}

}  // namespace

absl::StatusOr<uint64_t> WireReader::Varint() {
  uint64_t value = 0;
  const size_t begin = position_;
  for (int shift = 0; shift < 64; shift += 7) {
    if (position_ >= end_) return Malformed(begin);
    const uint64_t byte = static_cast<uint8_t>(bytes_[position_++]);
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  return Malformed(begin);
}

absl::StatusOr<WireField> WireReader::Next() {
  WireField field;
  field.begin = position_;
  STROP_ASSIGN_OR_RETURN(const uint64_t tag, Varint());
  if (tag >> 3 == 0 || tag >> 32 != 0) return Malformed(field.begin);
  field.number = static_cast<uint32_t>(tag >> 3);
  field.type = static_cast<WireType>(tag & 7);
  field.payload_begin = position_;
  uint64_t length = 0;
  switch (field.type) {
    case WireType::kVarint: {
      STROP_ASSIGN_OR_RETURN(field.varint, Varint());
      field.end = position_;
      return field;
    }
    case WireType::kFixed64:
      length = 8;
      break;
    case WireType::kFixed32:
      length = 4;
      break;
    case WireType::kLengthDelimited: {
      field.length_begin = position_;
      STROP_ASSIGN_OR_RETURN(length, Varint());
      field.payload_begin = position_;
      break;
    }
    default:
      return Malformed(field.begin);
  }
  if (length > end_ - position_) return Malformed(field.begin);
  position_ += length;
  field.end = position_;
  return field;
}

std::string EncodeVarint(uint64_t value) {
  std::string bytes;
  while (value >= 0x80) {
    bytes.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  bytes.push_back(static_cast<char>(value));
  return bytes;
}

std::string EncodeTag(uint32_t number, WireType type) {
  return EncodeVarint(static_cast<uint64_t>(number) << 3 | static_cast<uint64_t>(type));
}

std::string EncodeLengthDelimited(uint32_t number, std::string_view payload) {
  std::string bytes = EncodeTag(number, WireType::kLengthDelimited);
  bytes += EncodeVarint(payload.size());
  bytes += payload;
  return bytes;
}

}  // namespace strop
