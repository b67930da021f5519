#include "exporter/replace_head.h"

#include <onnx/onnx_pb.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "exporter/append_head.h"
#include "exporter/fresh_weights.h"
#include "exporter/tensor_patch.h"
#include "graph/status_macros.h"
#include "importer/model_layout.h"
#include "importer/node_order.h"
#include "importer/tensor_conversion.h"

namespace strop {
namespace {

// Fields of GraphProto (onnx.proto).
constexpr uint32_t kGraphOutput = 12;
constexpr uint32_t kGraphValueInfo = 13;

bool IsOneOf(const std::string& op_type, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), op_type) != names.end();
}

int64_t IntAttribute(const onnx::NodeProto& node, const std::string& name) {
  for (const auto& attribute : node.attribute()) {
    if (attribute.name() == name) return attribute.i();
  }
  return 0;
}

class HeadReplacement {
 public:
  HeadReplacement(std::string_view bytes, const ModelLayout& layout, const onnx::ModelProto& model)
      : bytes_(bytes), layout_(layout), graph_(model.graph()) {
    for (const onnx::NodeProto& node : graph_.node()) {
      for (const std::string& output : node.output()) producers_[output] = &node;
      for (const std::string& name : NamesRead(node)) ++reads_[name];
    }
    for (const auto& tensor : graph_.initializer()) initializers_[tensor.name()] = &tensor;
  }

  // Walks back from the first output to a Gemm or MatMul. False when something else comes first.
  bool Find() {
    if (graph_.output_size() == 0) return false;
    std::string name = graph_.output(0).name();
    std::set<const onnx::NodeProto*> seen;
    while (true) {
      declared_.insert(name);
      const onnx::NodeProto* node = Producer(name);
      if (node == nullptr || !seen.insert(node).second) return false;
      const int needed = IsOneOf(node->op_type(), {"Gemm", "MatMul", "Add", "Reshape"}) ? 2 : 1;
      if (node->input_size() < needed) return false;
      if (IsOneOf(node->op_type(), {"Gemm", "MatMul"})) {
        head_ = node;
        return true;
      }
      if (node->op_type() == "Add" && sum_ == nullptr) {
        const int bias_input = IsConstant(node->input(0)) ? 0 : 1;
        if (!IsConstant(node->input(bias_input))) return false;
        sum_ = node;
        bias_name_ = node->input(bias_input);
        name = node->input(1 - bias_input);
        continue;
      }
      if (!KeepsLastDimension(*node)) return false;
      name = node->input(0);
    }
  }

  // What Find found.
  absl::StatusOr<std::string> Replace(int64_t classes, uint64_t seed) {
    STROP_RETURN_IF_ERROR(FindBias());
    STROP_RETURN_IF_ERROR(FindWeight());
    Shape shape(weight_->dims().begin(), weight_->dims().end());
    shape[class_axis_] = classes;
    STROP_RETURN_IF_ERROR(Redraw(*weight_, shape, seed, 0));
    if (bias_ != nullptr) {
      Shape bias_shape(bias_->dims().begin(), bias_->dims().end());
      bias_shape.back() = classes;
      STROP_RETURN_IF_ERROR(Redraw(*bias_, bias_shape, seed, 1));
    }
    STROP_RETURN_IF_ERROR(DeclareClasses(classes));
    return ApplySplices(bytes_, layout_, std::move(splices_));
  }

  const std::vector<std::string>& constants() const { return constants_; }

 private:
  const onnx::NodeProto* Producer(const std::string& name) const {
    const auto found = producers_.find(name);
    return found == producers_.end() ? nullptr : found->second;
  }

  // A constant by name, whether initializer or Constant node; null if it is none.
  const onnx::TensorProto* ConstantNamed(const std::string& name) const {
    if (const auto found = initializers_.find(name); found != initializers_.end()) {
      return found->second;
    }
    const onnx::NodeProto* producer = Producer(name);
    if (producer == nullptr || producer->op_type() != "Constant") return nullptr;
    for (const auto& attribute : producer->attribute()) {
      if (attribute.has_t()) return &attribute.t();
    }
    return nullptr;
  }

  bool KeepsLastDimension(const onnx::NodeProto& node) const {
    if (node.op_type() != "Reshape") {
      return IsOneOf(node.op_type(), {"Softmax", "LogSoftmax", "Sigmoid", "Identity", "Cast"});
    }
    // Short tensors keep their elements in a model parsed without weights.
    const onnx::TensorProto* shape = ConstantNamed(node.input(1));
    if (shape == nullptr) return false;
    int64_t last = 0;
    if (shape->int64_data_size() > 0) {
      last = shape->int64_data(shape->int64_data_size() - 1);
    } else if (shape->raw_data().size() >= sizeof(last)) {
      std::memcpy(&last, shape->raw_data().data() + shape->raw_data().size() - sizeof(last),
                  sizeof(last));
    }
    return last == -1;
  }

  absl::Status NotFound(const std::string& found) const {
    return absl::InvalidArgumentError(
        absl::StrCat("found ", found,
                     ", expected Gemm, or MatMul with Add, with weights of its own before the "
                     "first output; name the tensor that a new head reads with --head-at, or "
                     "replace the head where the model is defined and export it again"));
  }

  // Whether a name leads to a constant, through Identity nodes.
  bool IsConstant(std::string name) const {
    for (int i = 0; i <= graph_.node_size(); ++i) {
      if (ConstantNamed(name) != nullptr) return true;
      const onnx::NodeProto* producer = Producer(name);
      if (producer == nullptr || producer->op_type() != "Identity" || producer->input_size() != 1) {
        return false;
      }
      name = producer->input(0);
    }
    return false;
  }

  absl::Status FindBias() {
    const bool has_own =
        head_->op_type() == "Gemm" && head_->input_size() > 2 && !head_->input(2).empty();
    if (has_own && sum_ != nullptr) {
      return NotFound(absl::StrCat("a second bias at ", NodeProtoLabel(*sum_)));
    }
    if (!has_own && sum_ == nullptr) return absl::OkStatus();
    STROP_ASSIGN_OR_RETURN(bias_, OwnConstant(has_own ? head_->input(2) : bias_name_,
                                              has_own ? *head_ : *sum_, nullptr));
    return absl::OkStatus();
  }

  // The constant behind Identity nodes; every name on the way must have one reader.
  absl::StatusOr<const onnx::TensorProto*> OwnConstant(std::string name,
                                                       const onnx::NodeProto& reader,
                                                       bool* is_transposed) {
    for (int i = 0; i <= graph_.node_size(); ++i) {
      if (const auto reads = reads_.find(name); reads != reads_.end() && reads->second > 1) {
        return NotFound(absl::StrCat("tensor \"", name, "\" of ", NodeProtoLabel(reader),
                                     ", which serves other nodes too"));
      }
      if (const onnx::TensorProto* constant = ConstantNamed(name); constant != nullptr) {
        constants_.push_back(name);
        return constant;
      }
      const onnx::NodeProto* producer = Producer(name);
      const bool has_input = producer != nullptr && producer->input_size() == 1;
      const bool is_identity = has_input && producer->op_type() == "Identity";
      const bool is_transpose = has_input && producer->op_type() == "Transpose";
      if (!is_identity && !(is_transpose && is_transposed != nullptr)) {
        return NotFound(absl::StrCat("\"", name, "\", which is no constant, as weight of ",
                                     NodeProtoLabel(reader)));
      }
      if (is_transpose) *is_transposed = !*is_transposed;
      name = producer->input(0);
    }
    return NotFound(absl::StrCat("\"", name, "\", which leads to itself"));
  }

  absl::Status FindWeight() {
    bool is_transposed = head_->op_type() == "Gemm" && IntAttribute(*head_, "transB") != 0;
    STROP_ASSIGN_OR_RETURN(weight_, OwnConstant(head_->input(1), *head_, &is_transposed));
    if (weight_->dims_size() != 2) {
      return NotFound(
          absl::StrCat("a weight of rank ", weight_->dims_size(), " at ", NodeProtoLabel(*head_)));
    }
    class_axis_ = is_transposed ? 0 : 1;
    classes_ = weight_->dims(static_cast<int>(class_axis_));
    inputs_ = weight_->dims(static_cast<int>(1 - class_axis_));
    if (inputs_ < 1) return NotFound("a weight without inputs");
    if (bias_ == nullptr) return absl::OkStatus();
    const int rank = bias_->dims_size();
    if (rank == 0 || bias_->dims(rank - 1) != classes_) {
      return NotFound(absl::StrCat("a bias whose last dimension is not ", classes_));
    }
    for (int axis = 0; axis + 1 < rank; ++axis) {
      if (bias_->dims(axis) != 1) return NotFound("a bias that is no vector");
    }
    return absl::OkStatus();
  }

  absl::Status Redraw(const onnx::TensorProto& tensor, const Shape& shape, uint64_t seed,
                      uint64_t stream) {
    STROP_RETURN_IF_ERROR(CheckedElementCount(shape).status());
    STROP_ASSIGN_OR_RETURN(const DataType type, ElementType(tensor.data_type()));
    if (!IsFloating(type)) {
      return NotFound(absl::StrCat("a head of ", std::string(DataTypeName(type))));
    }
    STROP_ASSIGN_OR_RETURN(const Tensor stored, FreshLinear(type, shape, inputs_, seed, stream));
    const int number = TensorNumber(tensor);
    STROP_ASSIGN_OR_RETURN(onnx::TensorProto proto, ParseTensorHeader(bytes_, layout_, number));
    proto.clear_dims();
    for (const int64_t dimension : shape) proto.add_dims(dimension);
    proto.clear_float_data();
    proto.clear_double_data();
    proto.clear_int32_data();
    proto.clear_external_data();
    proto.clear_data_location();
    proto.set_raw_data(std::string(RawBytes(stored)));
    const int message = layout_.tensors[static_cast<size_t>(number)].message;
    const MessageSpan& span = layout_.messages[static_cast<size_t>(message)];
    splices_.push_back({span.begin, span.end, proto.SerializeAsString(), message});
    return absl::OkStatus();
  }

  // Last dimensions that outputs and value_info declare for what the head computes.
  absl::Status DeclareClasses(int64_t classes) {
    const MessageSpan& span = layout_.messages[static_cast<size_t>(layout_.graph)];
    for (WireReader reader(bytes_, span.begin, span.end); !reader.AtEnd();) {
      STROP_ASSIGN_OR_RETURN(const WireField field, reader.Next());
      if (field.number != kGraphOutput && field.number != kGraphValueInfo) continue;
      onnx::ValueInfoProto info;
      const std::string content(
          bytes_.substr(field.payload_begin, field.end - field.payload_begin));
      if (!info.ParseFromString(content) || !declared_.contains(info.name())) continue;
      auto* shape = info.mutable_type()->mutable_tensor_type()->mutable_shape();
      if (shape->dim_size() == 0) continue;
      auto* last = shape->mutable_dim(shape->dim_size() - 1);
      if (!last->has_dim_value() || last->dim_value() != classes_) continue;
      last->set_dim_value(classes);
      splices_.push_back({field.begin, field.end,
                          EncodeLengthDelimited(field.number, info.SerializeAsString()),
                          layout_.graph});
    }
    return absl::OkStatus();
  }

  std::string_view bytes_;
  const ModelLayout& layout_;
  const onnx::GraphProto& graph_;
  std::map<std::string, const onnx::NodeProto*> producers_;
  std::map<std::string, const onnx::TensorProto*> initializers_;
  std::map<std::string, int> reads_;

  const onnx::NodeProto* head_ = nullptr;
  const onnx::NodeProto* sum_ = nullptr;  // the Add behind it
  std::string bias_name_;                 // of the Add
  const onnx::TensorProto* weight_ = nullptr;
  const onnx::TensorProto* bias_ = nullptr;
  std::set<std::string> declared_;  // values whose last dimension is the classes
  size_t class_axis_ = 1;
  int64_t classes_ = 0;
  int64_t inputs_ = 0;
  std::vector<Splice> splices_;
  std::vector<std::string> constants_;  // drawn anew
};

absl::StatusOr<NewHead> Replace(const ModelFile& file, const HeadRequest& request) {
  if (request.classes < 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        "found ", request.classes, " classes, expected at least 1; choose another number"));
  }
  STROP_ASSIGN_OR_RETURN(const std::shared_ptr<const std::string> bytes, file.Read());
  STROP_ASSIGN_OR_RETURN(const ModelLayout layout, ScanModel(*bytes));
  STROP_ASSIGN_OR_RETURN(const std::shared_ptr<const onnx::ModelProto> model,
                         ParseWithoutWeights(*bytes, layout));
  HeadReplacement replacement(*bytes, layout, *model);
  if (!request.at.empty() || !replacement.Find()) {
    STROP_ASSIGN_OR_RETURN(ModelWithHead appended, AppendHead(*bytes, layout, *model, request));
    return NewHead{ModelFile::FromBytes(std::move(appended.bytes), file),
                   std::move(appended.constants), std::move(appended.note)};
  }
  STROP_ASSIGN_OR_RETURN(std::string replaced, replacement.Replace(request.classes, request.seed));
  return NewHead{ModelFile::FromBytes(std::move(replaced), file), replacement.constants(), ""};
}

}  // namespace

absl::StatusOr<NewHead> ReplaceHead(const ModelFile& file, const HeadRequest& request) {
  absl::StatusOr<NewHead> result = Replace(file, request);
  if (result.ok()) return result;
  return absl::Status(result.status().code(),
                      absl::StrCat("new head: ", result.status().message()));
}

std::vector<int> NumbersOf(const std::vector<std::string>& constants,
                           const onnx::ModelProto& model) {
  const std::set<std::string> names(constants.begin(), constants.end());
  std::vector<int> numbers;
  for (const auto& tensor : model.graph().initializer()) {
    if (names.contains(tensor.name())) numbers.push_back(TensorNumber(tensor));
  }
  for (const auto& node : model.graph().node()) {
    if (node.op_type() != "Constant" || node.output_size() != 1) continue;
    if (!names.contains(node.output(0))) continue;
    for (const auto& attribute : node.attribute()) {
      if (attribute.has_t()) numbers.push_back(TensorNumber(attribute.t()));
    }
  }
  return numbers;
}

}  // namespace strop
