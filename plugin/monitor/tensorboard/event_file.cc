#include "plugin/monitor/tensorboard/event_file.h"

#include <isa-l/crc.h>

#include "graph/status_macros.h"

namespace strop {
namespace {

// Rotated and moved, so that the checksum of bytes that hold checksums is still a good one.
uint32_t MaskedChecksum(std::string_view bytes) {
  // ISA-L reads the buffer, though its type does not say so; it leaves both inversions to us.
  auto* buffer = reinterpret_cast<unsigned char*>(const_cast<char*>(bytes.data()));
  const uint32_t checksum = ~crc32_iscsi(buffer, static_cast<int>(bytes.size()), ~0u);
  return ((checksum >> 15) | (checksum << 17)) + 0xa282ead8u;
}

template <typename Number>
void AppendLittleEndian(Number number, std::string& bytes) {
  for (size_t i = 0; i < sizeof(Number); ++i) {
    bytes += static_cast<char>(number >> (8 * i) & 0xff);
  }
}

}  // namespace

absl::StatusOr<EventFile> EventFile::Create(const std::string& path) {
  STROP_ASSIGN_OR_RETURN(LogFile file, LogFile::Create(path));
  return EventFile(std::move(file));
}

absl::Status EventFile::Append(std::string_view event) {
  std::string framed;
  framed.reserve(event.size() + 16);
  AppendLittleEndian(uint64_t{event.size()}, framed);
  AppendLittleEndian(MaskedChecksum(framed), framed);
  framed += event;
  AppendLittleEndian(MaskedChecksum(event), framed);
  return file_.Append(framed);
}

}  // namespace strop
