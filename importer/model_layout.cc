#include "importer/model_layout.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"

namespace strop {
namespace {

// Protobuf's own parser stops at 100.
constexpr int kMaximumDepth = 90;

enum class Kind { kModel, kGraph, kFunction, kNode, kAttribute, kSparseTensor, kTensor };

// The fields of onnx.proto that lead to tensors.
struct Path {
  Kind from;
  uint32_t field;
  Kind to;
};
constexpr Path kPaths[] = {
    {Kind::kModel, 7, Kind::kGraph},
    {Kind::kModel, 25, Kind::kFunction},
    {Kind::kGraph, 1, Kind::kNode},
    {Kind::kGraph, 5, Kind::kTensor},
    {Kind::kGraph, 15, Kind::kSparseTensor},
    {Kind::kFunction, 7, Kind::kNode},
    {Kind::kFunction, 11, Kind::kAttribute},
    {Kind::kNode, 5, Kind::kAttribute},
    {Kind::kAttribute, 5, Kind::kTensor},
    {Kind::kAttribute, 6, Kind::kGraph},
    {Kind::kAttribute, 10, Kind::kTensor},
    {Kind::kAttribute, 11, Kind::kGraph},
    {Kind::kAttribute, 22, Kind::kSparseTensor},
    {Kind::kSparseTensor, 1, Kind::kTensor},
    {Kind::kSparseTensor, 2, Kind::kTensor},
};

const Path* FindPath(Kind from, uint32_t field) {
  for (const Path& path : kPaths) {
    if (path.from == from && path.field == field) return &path;
  }
  return nullptr;
}

class Scanner {
 public:
  explicit Scanner(std::string_view bytes) : bytes_(bytes) {}

  absl::StatusOr<ModelLayout> Scan() {
    layout_.messages.push_back({-1, 0, 0, bytes_.size()});
    STROP_RETURN_IF_ERROR(ScanMessage(Kind::kModel, 0, 0));
    if (layout_.graph < 0) {
      return absl::InvalidArgumentError(
          "the file has no graph, expected an ONNX model; export the model again");
    }
    return std::move(layout_);
  }

 private:
  absl::Status ScanMessage(Kind kind, int message, int depth) {
    if (depth > kMaximumDepth) {
      return absl::InvalidArgumentError(
          absl::StrCat("messages are nested more than ", kMaximumDepth,
                       " deep; no exporter writes that, check where the file comes from"));
    }
    WireReader reader(bytes_, span(message).begin, span(message).end);
    while (!reader.AtEnd()) {
      STROP_ASSIGN_OR_RETURN(const WireField field, reader.Next());
      const Path* path = FindPath(kind, field.number);
      if (path == nullptr || field.type != WireType::kLengthDelimited) continue;
      STROP_RETURN_IF_ERROR(ScanChild(*path, field, message, depth));
    }
    return absl::OkStatus();
  }

  absl::Status ScanChild(const Path& path, const WireField& field, int parent, int depth) {
    const int child = static_cast<int>(layout_.messages.size());
    layout_.messages.push_back({parent, field.length_begin, field.payload_begin, field.end});
    if (path.from == Kind::kModel && path.to == Kind::kGraph) {
      if (layout_.graph >= 0) {
        return absl::InvalidArgumentError("the file has two graphs, expected one; export it again");
      }
      layout_.graph = child;
    }
    if (path.to == Kind::kNode && parent == layout_.graph) {
      layout_.nodes.push_back({field.begin, field.end, child});
    }
    if (path.to == Kind::kTensor) return ScanTensor(child);
    return ScanMessage(path.to, child, depth + 1);
  }

  absl::Status ScanTensor(int message) {
    TensorSpan tensor;
    tensor.message = message;
    WireReader reader(bytes_, span(message).begin, span(message).end);
    while (!reader.AtEnd()) {
      STROP_ASSIGN_OR_RETURN(const WireField field, reader.Next());
      if (field.number == 3) {
        return absl::InvalidArgumentError(
            "a tensor is stored in segments, which ONNX has given up; export the model again");
      }
      Classify(field, tensor);
    }
    layout_.tensors.push_back(tensor);
    return absl::OkStatus();
  }

  // float_data 4, int32_data 5, int64_data 7, raw_data 9, double_data 10, uint64_data 11.
  static void Classify(const WireField& field, TensorSpan& tensor) {
    TensorSpan::Payload payload = TensorSpan::Payload::kScattered;
    const bool is_run = field.type == WireType::kLengthDelimited;
    if (field.number == 9 && is_run) {
      payload = TensorSpan::Payload::kRawData;
    } else if (field.number == 4) {
      if (is_run) payload = TensorSpan::Payload::kFloatData;
    } else if (field.number == 10) {
      if (is_run) payload = TensorSpan::Payload::kDoubleData;
    } else if (field.number != 5 && field.number != 7 && field.number != 11) {
      return;
    }
    const bool is_first = tensor.payload == TensorSpan::Payload::kNone;
    tensor.payload = is_first ? payload : TensorSpan::Payload::kScattered;
    tensor.field = field;
  }

  const MessageSpan& span(int message) const {
    return layout_.messages[static_cast<size_t>(message)];
  }

  std::string_view bytes_;
  ModelLayout layout_;
};

}  // namespace

absl::StatusOr<ModelLayout> ScanModel(std::string_view bytes) { return Scanner(bytes).Scan(); }

std::string ApplySplices(std::string_view bytes, const ModelLayout& layout,
                         std::vector<Splice> splices) {
  std::vector<int64_t> growth(layout.messages.size(), 0);
  for (const Splice& splice : splices) {
    growth[static_cast<size_t>(splice.message)] += static_cast<int64_t>(splice.replacement.size()) -
                                                   static_cast<int64_t>(splice.end - splice.begin);
  }
  // Children stand behind their parents, so one walk from the back carries every change outwards.
  for (size_t m = layout.messages.size(); m-- > 1;) {
    if (growth[m] == 0) continue;
    const MessageSpan& span = layout.messages[m];
    const size_t length = span.end - span.begin;
    std::string prefix =
        EncodeVarint(static_cast<uint64_t>(static_cast<int64_t>(length) + growth[m]));
    growth[static_cast<size_t>(span.parent)] +=
        growth[m] + static_cast<int64_t>(prefix.size()) -
        static_cast<int64_t>(span.begin - span.length_begin);
    splices.push_back({span.length_begin, span.begin, std::move(prefix), span.parent});
  }
  std::stable_sort(splices.begin(), splices.end(), [](const Splice& a, const Splice& b) {
    return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
  });
  std::string result;
  result.reserve(static_cast<size_t>(static_cast<int64_t>(bytes.size()) + growth[0]));
  size_t position = 0;
  for (const Splice& splice : splices) {
    result.append(bytes.substr(position, splice.begin - position));
    result.append(splice.replacement);
    position = splice.end;
  }
  result.append(bytes.substr(position));
  return result;
}

}  // namespace strop
