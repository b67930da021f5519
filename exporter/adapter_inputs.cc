#include "exporter/adapter_inputs.h"

#include <onnx/onnx_pb.h>

#include <map>

#include "absl/strings/str_cat.h"
#include "exporter/tensor_patch.h"
#include "graph/status_macros.h"
#include "graph/tensor.h"
#include "graph/unique_names.h"
#include "importer/model_layout.h"
#include "importer/node_order.h"
#include "importer/tensor_conversion.h"

namespace strop {
namespace {

constexpr uint32_t kModelIrVersion = 1;  // field of ModelProto (onnx.proto)
// Since this IR version an initializer that is an input too is a default that a caller can replace.
constexpr uint64_t kReplaceableInitializers = 4;
// Fields of GraphProto.
constexpr uint32_t kGraphNode = 1;
constexpr uint32_t kGraphInitializer = 5;
constexpr uint32_t kGraphInput = 11;

constexpr char kRankName[] = "lora_rank";

class AdapterInsertion {
 public:
  AdapterInsertion(std::string_view bytes, const ModelLayout& layout, const onnx::ModelProto& model)
      : bytes_(bytes), layout_(layout), graph_(model.graph()) {
    for (int n = 0; n < graph_.node_size(); ++n) {
      for (const std::string& output : graph_.node(n).output()) {
        producers_[output] = n;
        names_.Reserve(output);
      }
      for (const std::string& name : NamesRead(graph_.node(n))) names_.Reserve(name);
    }
    for (const auto& input : graph_.input()) names_.Reserve(input.name());
    for (const auto& tensor : graph_.initializer()) names_.Reserve(tensor.name());
  }

  absl::StatusOr<std::string> Insert(absl::Span<const AdapterInput> adapters) {
    std::string inputs;
    for (const AdapterInput& adapter : adapters) {
      inputs += InputOf(adapter.first, adapter.type, adapter.first_shape, adapter.first_rank_axis,
                        RankName(adapter.groups, ""), adapter.groups);
      inputs += InputOf(adapter.second, adapter.type, adapter.second_shape,
                        adapter.second_rank_axis, RankName(adapter.groups, "one_of_"), 1);
      for (const std::string& output : adapter.outputs) {
        STROP_RETURN_IF_ERROR(InsertAt(output, adapter));
      }
    }
    const size_t end = layout_.messages[static_cast<size_t>(layout_.graph)].end;
    splices_.push_back({end, end, std::move(inputs), layout_.graph});
    STROP_RETURN_IF_ERROR(RaiseIrVersion());
    return ApplySplices(bytes_, layout_, std::move(splices_));
  }

 private:
  // The rank differs from that of other adapters where a default has one for every group.
  static std::string RankName(int64_t groups, std::string_view part) {
    if (groups == 1) return kRankName;
    return absl::StrCat(kRankName, "_of_", std::string(part), groups, "_groups");
  }

  // The input's declaration and its default, of rank `smallest`.
  static std::string InputOf(const std::string& name, DataType type, Shape shape, size_t rank_axis,
                             const std::string& rank_name, int64_t smallest) {
    onnx::ValueInfoProto info;
    info.set_name(name);
    auto* declared = info.mutable_type()->mutable_tensor_type();
    declared->set_elem_type(static_cast<int>(type));
    for (size_t axis = 0; axis < shape.size(); ++axis) {
      auto* dimension = declared->mutable_shape()->add_dim();
      if (axis == rank_axis) {
        dimension->set_dim_param(rank_name);
      } else {
        dimension->set_dim_value(shape[axis]);
      }
    }
    shape[rank_axis] = smallest;
    const Tensor zeros(type, shape);
    onnx::TensorProto tensor;
    tensor.set_name(name);
    tensor.set_data_type(static_cast<int>(type));
    for (const int64_t dimension : shape) tensor.add_dims(dimension);
    tensor.set_raw_data(std::string(RawBytes(zeros)));
    return EncodeLengthDelimited(kGraphInput, info.SerializeAsString()) +
           EncodeLengthDelimited(kGraphInitializer, tensor.SerializeAsString());
  }

  absl::Status RaiseIrVersion() {
    for (WireReader reader(bytes_, 0, bytes_.size()); !reader.AtEnd();) {
      STROP_ASSIGN_OR_RETURN(const WireField field, reader.Next());
      if (field.number != kModelIrVersion || field.type != WireType::kVarint) continue;
      if (field.varint >= kReplaceableInitializers) continue;
      splices_.push_back(
          {field.begin, field.end,
           EncodeTag(kModelIrVersion, WireType::kVarint) + EncodeVarint(kReplaceableInitializers),
           0});
    }
    return absl::OkStatus();
  }

  absl::Status InsertAt(const std::string& output, const AdapterInput& adapter) {
    const auto found = producers_.find(output);
    if (found == producers_.end()) {
      return absl::InvalidArgumentError(
          absl::StrCat("the layer that computes \"", output,
                       "\" lies in a function of the model, expected one of the main graph; "
                       "merge the adapters, or inline the functions"));
    }
    const NodeSpan& span = layout_.nodes[static_cast<size_t>(found->second)];
    // From the file's own bytes: the parsed model's tensors carry numbers.
    const WireField field = *WireReader(bytes_, span.begin, span.end).Next();
    onnx::NodeProto layer;
    if (!layer.ParseFromString(
            std::string(bytes_.substr(field.payload_begin, field.end - field.payload_begin)))) {
      return absl::InternalError(absl::StrCat("the node of \"", output, "\" cannot be parsed"));
    }
    const std::string base = names_.Take(output + "/base");
    layer.set_output(0, base);
    std::string nodes = Encoded(layer);
    std::string x = layer.input(0);
    if (HasTransposedInput(layer)) x = Append(nodes, layer, "Transpose", "lora_transposed", {x});
    const bool is_convolution = layer.op_type() == "Conv";
    const std::string op_type = is_convolution ? "Conv" : "MatMul";
    std::vector<onnx::AttributeProto> window;  // A slides as the layer does, B does not
    std::vector<onnx::AttributeProto> group;
    for (const auto& attribute : layer.attribute()) {
      if (is_convolution) window.push_back(attribute);
      if (is_convolution && attribute.name() == "group") group.push_back(attribute);
    }
    x = Append(nodes, layer, op_type, "lora_A", {x, adapter.first}, window);
    x = Append(nodes, layer, op_type, "lora_B", {x, adapter.second}, group);
    onnx::NodeProto sum = NewNode(layer, "Add", "lora", {base, x});
    sum.add_output(output);
    nodes += Encoded(sum);
    splices_.push_back({span.begin, span.end, std::move(nodes), layout_.graph});
    return absl::OkStatus();
  }

  static bool HasTransposedInput(const onnx::NodeProto& layer) {
    for (const auto& attribute : layer.attribute()) {
      if (layer.op_type() == "Gemm" && attribute.name() == "transA") return attribute.i() != 0;
    }
    return false;
  }

  static onnx::NodeProto NewNode(const onnx::NodeProto& layer, const std::string& op_type,
                                 const std::string& role, const std::vector<std::string>& inputs) {
    onnx::NodeProto node;
    node.set_name(absl::StrCat(layer.name(), "/", role));
    node.set_op_type(op_type);
    for (const std::string& input : inputs) node.add_input(input);
    return node;
  }

  // The new node's output.
  std::string Append(std::string& nodes, const onnx::NodeProto& layer, const std::string& op_type,
                     const std::string& role, const std::vector<std::string>& inputs,
                     const std::vector<onnx::AttributeProto>& attributes = {}) {
    onnx::NodeProto node = NewNode(layer, op_type, role, inputs);
    node.mutable_attribute()->Assign(attributes.begin(), attributes.end());
    const std::string output = names_.Take(absl::StrCat(layer.output(0), "/", role));
    node.add_output(output);
    nodes += Encoded(node);
    return output;
  }

  static std::string Encoded(const onnx::NodeProto& node) {
    return EncodeLengthDelimited(kGraphNode, node.SerializeAsString());
  }

  std::string_view bytes_;
  const ModelLayout& layout_;
  const onnx::GraphProto& graph_;
  std::map<std::string, int> producers_;
  FreshNames names_;
  std::vector<Splice> splices_;
};

absl::StatusOr<std::shared_ptr<const ModelFile>> Insert(const ModelFile& file,
                                                        absl::Span<const AdapterInput> adapters) {
  STROP_ASSIGN_OR_RETURN(const std::shared_ptr<const std::string> bytes, file.Read());
  STROP_ASSIGN_OR_RETURN(const ModelLayout layout, ScanModel(*bytes));
  STROP_ASSIGN_OR_RETURN(const std::shared_ptr<const onnx::ModelProto> model,
                         ParseWithoutWeights(*bytes, layout));
  STROP_ASSIGN_OR_RETURN(std::string with_inputs,
                         AdapterInsertion(*bytes, layout, *model).Insert(adapters));
  return ModelFile::FromBytes(std::move(with_inputs), file);
}

}  // namespace

absl::StatusOr<std::shared_ptr<const ModelFile>> AddAdapterInputs(
    const ModelFile& file, absl::Span<const AdapterInput> adapters) {
  absl::StatusOr<std::shared_ptr<const ModelFile>> result = Insert(file, adapters);
  if (result.ok()) return result;
  return absl::Status(result.status().code(), absl::StrCat("export: ", result.status().message()));
}

}  // namespace strop
