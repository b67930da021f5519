#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace strop {

// The element types of ONNX tensors, with ONNX's own numbers (TensorProto.DataType).
enum class DataType : int32_t {
  kUndefined = 0,
  kFloat = 1,
  kUint8 = 2,
  kInt8 = 3,
  kUint16 = 4,
  kInt16 = 5,
  kInt32 = 6,
  kInt64 = 7,
  kString = 8,
  kBool = 9,
  kFloat16 = 10,
  kDouble = 11,
  kUint32 = 12,
  kUint64 = 13,
  kComplex64 = 14,
  kComplex128 = 15,
  kBFloat16 = 16,
  kFloat8E4M3FN = 17,
  kFloat8E4M3FNUZ = 18,
  kFloat8E5M2 = 19,
  kFloat8E5M2FNUZ = 20,
  kUint4 = 21,
  kInt4 = 22,
  kFloat4E2M1 = 23,
  kFloat8E8M0 = 24,
  kUint2 = 25,
  kInt2 = 26,
};

// "float", "int64", …: the names that numpy uses where it has one, ONNX's in lower case elsewhere.
std::string_view DataTypeName(DataType type);

// Bits one element takes; 0 for kString and kUndefined, whose elements have no fixed size.
int BitsPerElement(DataType type);

// Bytes that `count` elements take, sub-byte types packed; 0 for kString and kUndefined.
size_t BytesFor(DataType type, int64_t count);

// True for the types that gradients flow through: float, double, float16, bfloat16.
bool IsFloating(DataType type);

bool IsInteger(DataType type);

// IEEE 754 half precision, a storage type: convert to float to compute.
struct Float16 {
  uint16_t bits = 0;
  Float16() = default;
  explicit Float16(float value);
  explicit operator float() const;
};

// The upper half of a float, rounded to nearest even; a storage type like Float16.
struct BFloat16 {
  uint16_t bits = 0;
  BFloat16() = default;
  explicit BFloat16(float value);
  explicit operator float() const;
};

// DataTypeOf<float>::value == DataType::kFloat, and so on.
template <typename T>
struct DataTypeOf;
template <DataType kType>
struct DataTypeConstant {
  static constexpr DataType value = kType;
};
template <>
struct DataTypeOf<float> : DataTypeConstant<DataType::kFloat> {};
template <>
struct DataTypeOf<double> : DataTypeConstant<DataType::kDouble> {};
template <>
struct DataTypeOf<Float16> : DataTypeConstant<DataType::kFloat16> {};
template <>
struct DataTypeOf<BFloat16> : DataTypeConstant<DataType::kBFloat16> {};
template <>
struct DataTypeOf<int8_t> : DataTypeConstant<DataType::kInt8> {};
template <>
struct DataTypeOf<uint8_t> : DataTypeConstant<DataType::kUint8> {};
template <>
struct DataTypeOf<int16_t> : DataTypeConstant<DataType::kInt16> {};
template <>
struct DataTypeOf<uint16_t> : DataTypeConstant<DataType::kUint16> {};
template <>
struct DataTypeOf<int32_t> : DataTypeConstant<DataType::kInt32> {};
template <>
struct DataTypeOf<uint32_t> : DataTypeConstant<DataType::kUint32> {};
template <>
struct DataTypeOf<int64_t> : DataTypeConstant<DataType::kInt64> {};
template <>
struct DataTypeOf<uint64_t> : DataTypeConstant<DataType::kUint64> {};
template <>
struct DataTypeOf<bool> : DataTypeConstant<DataType::kBool> {};

}  // namespace strop
