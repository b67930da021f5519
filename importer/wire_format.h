#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace strop {

// Protobuf's encoding, as far as a patch of a model's bytes needs it
// (protobuf.dev/programming-guides/encoding).
enum class WireType : uint8_t { kVarint = 0, kFixed64 = 1, kLengthDelimited = 2, kFixed32 = 5 };

// One field of a message. Offsets count from the start of the whole file.
struct WireField {
  uint32_t number = 0;
  WireType type = WireType::kVarint;
  size_t begin = 0;          // of the tag
  size_t length_begin = 0;   // of the length, where length-delimited
  size_t payload_begin = 0;  // of the value, behind tag and length
  size_t end = 0;
  uint64_t varint = 0;  // the value of a kVarint
};

// Walks over the fields of the message that lies in bytes[begin, end).
class WireReader {
 public:
  WireReader(std::string_view bytes, size_t begin, size_t end)
      : bytes_(bytes), position_(begin), end_(end) {}

  bool AtEnd() const { return position_ >= end_; }
  // InvalidArgument when the bytes are no protobuf message.
  absl::StatusOr<WireField> Next();

 private:
  absl::StatusOr<uint64_t> Varint();

  std::string_view bytes_;
  size_t position_;
  size_t end_;
};

std::string EncodeVarint(uint64_t value);
std::string EncodeTag(uint32_t number, WireType type);
// Tag, length and bytes.
std::string EncodeLengthDelimited(uint32_t number, std::string_view payload);

}  // namespace strop
