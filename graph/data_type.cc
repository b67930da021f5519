#include "graph/data_type.h"

#include <bit>

namespace strop {
namespace {

struct DataTypeRow {
  std::string_view name;
  int bits;
};

// Indexed by the number of the type.
constexpr DataTypeRow kRows[] = {
    {"undefined", 0},      {"float32", 32},     {"uint8", 8},          {"int8", 8},
    {"uint16", 16},        {"int16", 16},       {"int32", 32},         {"int64", 64},
    {"string", 0},         {"bool", 8},         {"float16", 16},       {"float64", 64},
    {"uint32", 32},        {"uint64", 64},      {"complex64", 64},     {"complex128", 128},
    {"bfloat16", 16},      {"float8e4m3fn", 8}, {"float8e4m3fnuz", 8}, {"float8e5m2", 8},
    {"float8e5m2fnuz", 8}, {"uint4", 4},        {"int4", 4},           {"float4e2m1", 4},
    {"float8e8m0", 8},     {"uint2", 2},        {"int2", 2},
};

const DataTypeRow& RowOf(DataType type) {
  const auto index = static_cast<size_t>(type);
  return kRows[index < std::size(kRows) ? index : 0];
}

}  // namespace

std::string_view DataTypeName(DataType type) { return RowOf(type).name; }

int BitsPerElement(DataType type) { return RowOf(type).bits; }

size_t BytesFor(DataType type, int64_t count) {
  return (static_cast<size_t>(count) * static_cast<size_t>(BitsPerElement(type)) + 7) / 8;
}

bool IsFloating(DataType type) {
  return type == DataType::kFloat || type == DataType::kDouble || type == DataType::kFloat16 ||
         type == DataType::kBFloat16;
}

bool IsInteger(DataType type) {
  switch (type) {
    case DataType::kInt8:
    case DataType::kInt16:
    case DataType::kInt32:
    case DataType::kInt64:
    case DataType::kUint8:
    case DataType::kUint16:
    case DataType::kUint32:
    case DataType::kUint64:
      return true;
    default:
      return false;
  }
}

Float16::Float16(float value) {
  const auto single = std::bit_cast<uint32_t>(value);
  const uint32_t sign = (single >> 16) & 0x8000u;
  const uint32_t magnitude = single & 0x7fffffffu;
  if (magnitude >= 0x7f800000u) {  // infinity, or NaN kept quiet
    bits = static_cast<uint16_t>(sign | 0x7c00u | (magnitude > 0x7f800000u ? 0x0200u : 0u));
    return;
  }
  if (magnitude >= 0x477ff000u) {  // rounds beyond 65504
    bits = static_cast<uint16_t>(sign | 0x7c00u);
    return;
  }
  if (magnitude < 0x38800000u) {  // subnormal: adding 0.5 aligns and rounds the mantissa
    const float aligned = std::bit_cast<float>(magnitude) + 0.5f;
    bits = static_cast<uint16_t>(sign | (std::bit_cast<uint32_t>(aligned) - 0x3f000000u));
    return;
  }
  const uint32_t odd = (magnitude >> 13) & 1u;
  bits = static_cast<uint16_t>(sign | ((magnitude - 0x38000000u + 0xfffu + odd) >> 13));
}

Float16::operator float() const {
  const uint32_t sign = static_cast<uint32_t>(bits & 0x8000u) << 16;
  const uint32_t magnitude = bits & 0x7fffu;
  if (magnitude >= 0x7c00u) {
    return std::bit_cast<float>(sign | 0x7f800000u | ((magnitude & 0x3ffu) << 13));
  }
  if (magnitude < 0x0400u) {
    const float value = static_cast<float>(magnitude) * 0x1p-24f;
    return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(value));
  }
  return std::bit_cast<float>(sign | ((magnitude << 13) + 0x38000000u));
}

BFloat16::BFloat16(float value) {
  const auto single = std::bit_cast<uint32_t>(value);
  if ((single & 0x7fffffffu) > 0x7f800000u) {  // NaN
    bits = static_cast<uint16_t>((single >> 16) | 0x0040u);
    return;
  }
  bits = static_cast<uint16_t>((single + 0x7fffu + ((single >> 16) & 1u)) >> 16);
}

BFloat16::operator float() const { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }

}  // namespace strop
