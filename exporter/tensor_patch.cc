#include "exporter/tensor_patch.h"

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "importer/tensor_conversion.h"

namespace strop {
namespace {

// Fields of TensorProto (onnx.proto).
constexpr uint32_t kFloatData = 4;
constexpr uint32_t kInt32Data = 5;
constexpr uint32_t kInt64Data = 7;
constexpr uint32_t kRawData = 9;
constexpr uint32_t kDoubleData = 10;
constexpr uint32_t kUint64Data = 11;
constexpr uint32_t kExternalData = 13;

const MessageSpan& SpanOf(const ModelLayout& layout, int tensor) {
  return layout.messages[static_cast<size_t>(layout.tensors[static_cast<size_t>(tensor)].message)];
}

bool IsDataField(uint32_t number) {
  return number == kFloatData || number == kInt32Data || number == kInt64Data ||
         number == kRawData || number == kDoubleData || number == kUint64Data;
}

// The packed field in which ONNX keeps floating elements that are not raw.
std::string TypedField(const Tensor& elements) {
  switch (elements.type()) {
    case DataType::kFloat:
      return EncodeLengthDelimited(kFloatData, RawBytes(elements));
    case DataType::kDouble:
      return EncodeLengthDelimited(kDoubleData, RawBytes(elements));
    default: {
      // float16 and bfloat16: their 16 bits as an int32 each.
      std::string varints;
      for (const Float16 element : elements.elements<Float16>()) {
        varints += EncodeVarint(element.bits);
      }
      return EncodeLengthDelimited(kInt32Data, varints);
    }
  }
}

}  // namespace

std::string_view RawBytes(const Tensor& tensor) {
  return {static_cast<const char*>(tensor.data()), tensor.bytes()};
}

absl::StatusOr<onnx::TensorProto> ParseTensorHeader(std::string_view bytes,
                                                    const ModelLayout& layout, int tensor) {
  const TensorSpan& span = layout.tensors[static_cast<size_t>(tensor)];
  const MessageSpan& message = SpanOf(layout, tensor);
  const bool is_run =
      span.payload != TensorSpan::Payload::kNone && span.payload != TensorSpan::Payload::kScattered;
  std::string header(
      bytes.substr(message.begin, (is_run ? span.field.begin : message.end) - message.begin));
  if (is_run) header += bytes.substr(span.field.end, message.end - span.field.end);
  onnx::TensorProto proto;
  if (!proto.ParseFromString(header)) {
    return absl::DataLossError("a tensor of the model cannot be parsed again");
  }
  return proto;
}

absl::StatusOr<Tensor> ReadElements(std::string_view bytes, const ModelLayout& layout, int tensor,
                                    ExternalData& external_data) {
  const MessageSpan& message = SpanOf(layout, tensor);
  onnx::TensorProto proto;
  if (!proto.ParseFromString(
          std::string(bytes.substr(message.begin, message.end - message.begin)))) {
    return absl::DataLossError("a tensor of the model cannot be parsed again");
  }
  return TensorReader(bytes, layout, external_data).Read(proto);
}

absl::StatusOr<std::vector<Splice>> ReplaceElements(std::string_view bytes,
                                                    const ModelLayout& layout, int tensor,
                                                    const Tensor& elements) {
  const TensorSpan& span = layout.tensors[static_cast<size_t>(tensor)];
  const bool is_run =
      span.payload != TensorSpan::Payload::kNone && span.payload != TensorSpan::Payload::kScattered;
  if (is_run) {
    if (span.field.end - span.field.payload_begin != elements.bytes()) {
      return absl::InternalError("trained elements do not have the tensor's own length");
    }
    return std::vector<Splice>{
        {span.field.payload_begin, span.field.end, std::string(RawBytes(elements)), span.message}};
  }
  const MessageSpan& message = SpanOf(layout, tensor);
  std::vector<Splice> splices;
  bool is_raw = false;
  for (WireReader reader(bytes, message.begin, message.end); !reader.AtEnd();) {
    STROP_ASSIGN_OR_RETURN(const WireField field, reader.Next());
    if (!IsDataField(field.number)) continue;
    is_raw |= field.number == kRawData;
    splices.push_back({field.begin, field.end, "", span.message});
  }
  if (splices.empty()) splices.push_back({message.end, message.end, "", span.message});
  splices.front().replacement =
      is_raw ? EncodeLengthDelimited(kRawData, RawBytes(elements)) : TypedField(elements);
  return splices;
}

void StoreElements(const Tensor& elements, onnx::TensorProto& tensor) {
  const std::string name = tensor.name();
  tensor.Clear();
  tensor.set_name(name);
  tensor.set_data_type(static_cast<int>(elements.type()));
  for (const int64_t dimension : elements.shape()) tensor.add_dims(dimension);
  tensor.set_raw_data(std::string(RawBytes(elements)));
}

absl::StatusOr<std::vector<Splice>> ReplaceExternalEntry(std::string_view bytes,
                                                         const ModelLayout& layout, int tensor,
                                                         const std::string& key,
                                                         const std::string& value) {
  STROP_ASSIGN_OR_RETURN(std::vector<Splice> splices,
                         RemoveExternalEntry(bytes, layout, tensor, key));
  if (splices.empty()) {
    const size_t end = SpanOf(layout, tensor).end;
    splices.push_back({end, end, "", layout.tensors[static_cast<size_t>(tensor)].message});
  }
  onnx::StringStringEntryProto entry;
  entry.set_key(key);
  entry.set_value(value);
  splices.front().replacement = EncodeLengthDelimited(kExternalData, entry.SerializeAsString());
  return splices;
}

absl::StatusOr<std::vector<Splice>> RemoveExternalEntry(std::string_view bytes,
                                                        const ModelLayout& layout, int tensor,
                                                        const std::string& key) {
  const MessageSpan& span = SpanOf(layout, tensor);
  std::vector<Splice> splices;
  for (WireReader reader(bytes, span.begin, span.end); !reader.AtEnd();) {
    STROP_ASSIGN_OR_RETURN(const WireField field, reader.Next());
    if (field.number != kExternalData) continue;
    onnx::StringStringEntryProto entry;
    const std::string content(bytes.substr(field.payload_begin, field.end - field.payload_begin));
    if (!entry.ParseFromString(content) || entry.key() != key) continue;
    splices.push_back(
        {field.begin, field.end, "", layout.tensors[static_cast<size_t>(tensor)].message});
  }
  return splices;
}

}  // namespace strop
