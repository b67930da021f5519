#include "importer/tensor_conversion.h"

#include <onnx/onnx_pb.h>

#include <cstring>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"

namespace strop {
namespace {

using onnx::TensorProto;

// Elements that shape inference may look at stay in the parsed model.
constexpr size_t kLongestKeptPayload = 1024;
// So that the bits of the largest type, 16 bytes, can be counted in 64 bits.
constexpr int64_t kMostElements = int64_t{1} << 55;
constexpr uint32_t kSegmentField = 3;
constexpr uint32_t kSegmentBeginField = 1;

bool IsRun(const TensorSpan& span) {
  return span.payload != TensorSpan::Payload::kNone &&
         span.payload != TensorSpan::Payload::kScattered;
}

bool IsTakenOut(const TensorSpan& span) {
  return IsRun(span) && span.field.end - span.field.payload_begin > kLongestKeptPayload;
}

absl::Status WrongLength(size_t found, size_t expected, const std::string& what) {
  return absl::InvalidArgumentError(absl::StrCat("found ", found, " ", what, ", expected ",
                                                 expected,
                                                 " by its type and shape; export the model again"));
}

// Any nonzero byte is true; a C++ bool must be 0 or 1.
void NormalizeBools(Tensor& tensor) {
  if (tensor.type() != DataType::kBool) return;
  auto* bytes = static_cast<uint8_t*>(tensor.mutable_data());
  for (size_t i = 0; i < tensor.bytes(); ++i) bytes[i] = bytes[i] != 0;
}

absl::StatusOr<Tensor> FromBytes(DataType type, Shape shape, std::string_view bytes) {
  const size_t expected = BytesFor(type, ElementCount(shape));
  if (bytes.size() != expected) return WrongLength(bytes.size(), expected, "bytes of data");
  Tensor tensor(type, std::move(shape));
  if (expected > 0) std::memcpy(tensor.mutable_data(), bytes.data(), expected);
  NormalizeBools(tensor);
  return tensor;
}

// Entries of a typed field, each cut to the low `element_bytes` bytes (onnx.proto: half types,
// small integers and packed sub-byte types lie in int32_data).
template <typename Field>
absl::StatusOr<Tensor> FromEntries(DataType type, Shape shape, const Field& entries,
                                   size_t element_bytes) {
  const size_t expected = BytesFor(type, ElementCount(shape)) / element_bytes;
  const auto found = static_cast<size_t>(entries.size());
  if (found != expected) return WrongLength(found, expected, "elements of data");
  Tensor tensor(type, std::move(shape));
  auto* out = static_cast<std::byte*>(tensor.mutable_data());
  for (const auto entry : entries) {
    std::memcpy(out, &entry, element_bytes);  // little-endian, as ONNX's own data
    out += element_bytes;
  }
  return tensor;
}

absl::StatusOr<Tensor> FromTypedFields(const TensorProto& tensor, DataType type, Shape shape) {
  switch (type) {
    case DataType::kFloat:
    case DataType::kComplex64:
      return FromEntries(type, std::move(shape), tensor.float_data(), sizeof(float));
    case DataType::kDouble:
    case DataType::kComplex128:
      return FromEntries(type, std::move(shape), tensor.double_data(), sizeof(double));
    case DataType::kInt64:
      return FromEntries(type, std::move(shape), tensor.int64_data(), sizeof(int64_t));
    case DataType::kUint64:
    case DataType::kUint32:
      return FromEntries(type, std::move(shape), tensor.uint64_data(), BytesFor(type, 1));
    default: {
      STROP_ASSIGN_OR_RETURN(Tensor result, FromEntries(type, std::move(shape), tensor.int32_data(),
                                                        BytesFor(type, 1)));
      NormalizeBools(result);
      return result;
    }
  }
}

absl::StatusOr<Tensor> FromStringData(const TensorProto& tensor, Shape shape) {
  const auto expected = static_cast<size_t>(ElementCount(shape));
  const auto found = static_cast<size_t>(tensor.string_data_size());
  if (found != expected) return WrongLength(found, expected, "strings");
  return Tensor::FromStrings(std::move(shape),
                             {tensor.string_data().begin(), tensor.string_data().end()});
}

}  // namespace

absl::StatusOr<std::shared_ptr<const onnx::ModelProto>> ParseWithoutWeights(
    std::string_view bytes, const ModelLayout& layout) {
  std::vector<Splice> splices;
  for (size_t t = 0; t < layout.tensors.size(); ++t) {
    const TensorSpan& span = layout.tensors[t];
    if (IsTakenOut(span)) splices.push_back({span.field.begin, span.field.end, "", span.message});
    const size_t end = layout.messages[static_cast<size_t>(span.message)].end;
    std::string number = EncodeTag(kSegmentBeginField, WireType::kVarint) + EncodeVarint(t);
    splices.push_back({end, end, EncodeLengthDelimited(kSegmentField, number), span.message});
  }
  const std::string light = ApplySplices(bytes, layout, std::move(splices));
  auto model = std::make_shared<onnx::ModelProto>();
  if (!model->ParseFromString(light)) {
    return absl::InvalidArgumentError(
        "the file is no ONNX model: protobuf cannot parse it; check where it comes from");
  }
  return model;
}

int TensorNumber(const TensorProto& tensor) {
  return tensor.has_segment() ? static_cast<int>(tensor.segment().begin()) : -1;
}

absl::StatusOr<DataType> ElementType(int onnx_number) {
  if (onnx_number <= 0 || onnx_number > static_cast<int>(DataType::kInt2)) {
    return absl::InvalidArgumentError(
        absl::StrCat("found element type ", onnx_number, ", expected one of ONNX's 1 to ",
                     static_cast<int>(DataType::kInt2), "; export the model with another type"));
  }
  return static_cast<DataType>(onnx_number);
}

absl::StatusOr<Tensor> TensorReader::Read(const TensorProto& tensor) {
  absl::StatusOr<Tensor> result = ReadUnnamed(tensor);
  if (result.ok()) return result;
  return absl::Status(result.status().code(),
                      absl::StrCat("tensor \"", tensor.name(), "\": ", result.status().message()));
}

absl::StatusOr<Tensor> TensorReader::ReadUnnamed(const TensorProto& tensor) {
  STROP_ASSIGN_OR_RETURN(const DataType type, ElementType(tensor.data_type()));
  Shape shape(tensor.dims().begin(), tensor.dims().end());
  STROP_ASSIGN_OR_RETURN(const int64_t count, CheckedElementCount(shape));
  if (count > kMostElements) {
    return absl::InvalidArgumentError(absl::StrCat(
        "shape ", ShapeName(shape), " has more elements than can be addressed; export it again"));
  }
  if (tensor.data_location() == TensorProto::EXTERNAL) {
    return ReadExternal(tensor, type, std::move(shape));
  }
  if (type == DataType::kString) return FromStringData(tensor, std::move(shape));
  const int number = TensorNumber(tensor);
  if (number >= 0) {
    const TensorSpan& span = layout_.tensors[static_cast<size_t>(number)];
    if (IsTakenOut(span)) {
      const bool is_float_data = span.payload == TensorSpan::Payload::kFloatData;
      const bool is_double_data = span.payload == TensorSpan::Payload::kDoubleData;
      if ((is_float_data && type != DataType::kFloat && type != DataType::kComplex64) ||
          (is_double_data && type != DataType::kDouble && type != DataType::kComplex128)) {
        return absl::InvalidArgumentError(
            absl::StrCat("elements of type ", std::string(DataTypeName(type)), " lie in ",
                         is_float_data ? "float_data" : "double_data", "; export the model again"));
      }
      return FromBytes(
          type, std::move(shape),
          bytes_.substr(span.field.payload_begin, span.field.end - span.field.payload_begin));
    }
  }
  if (tensor.has_raw_data()) return FromBytes(type, std::move(shape), tensor.raw_data());
  return FromTypedFields(tensor, type, std::move(shape));
}

absl::StatusOr<Tensor> TensorReader::ReadExternal(const TensorProto& tensor, DataType type,
                                                  Shape shape) {
  if (type == DataType::kString) {
    return absl::InvalidArgumentError(
        "strings lie in external data, which ONNX forbids; export the model again");
  }
  STROP_ASSIGN_OR_RETURN(const ExternalLocation place, ParseExternalLocation(tensor));
  const size_t expected = BytesFor(type, ElementCount(shape));
  if (place.has_length && place.length != expected) {
    return WrongLength(place.length, expected, "bytes of external data");
  }
  STROP_ASSIGN_OR_RETURN(const std::shared_ptr<const MappedFile> file,
                         external_data_.Map(place.location));
  const std::string_view bytes = file->bytes();
  if (place.offset > bytes.size() || expected > bytes.size() - place.offset) {
    return absl::InvalidArgumentError(absl::StrCat(
        "its ", expected, " bytes at offset ", place.offset, " lie beyond the end of \"",
        place.location, "\" (", bytes.size(), " bytes); fetch the whole data file again"));
  }
  const char* data = bytes.data() + place.offset;
  constexpr size_t kLargestElement = 16;
  if (expected == 0 || type == DataType::kBool ||
      reinterpret_cast<uintptr_t>(data) % kLargestElement != 0) {
    return FromBytes(type, std::move(shape), std::string_view(data, expected));
  }
  return Tensor::Borrow(type, std::move(shape), data, file);
}

}  // namespace strop
