#include "exporter/append_head.h"

#include <onnx/shape_inference/implementation.h>

#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "exporter/constant_node.h"
#include "exporter/fresh_weights.h"
#include "exporter/tensor_patch.h"
#include "graph/status_macros.h"
#include "graph/unique_names.h"
#include "importer/node_order.h"
#include "importer/tensor_conversion.h"

namespace strop {
namespace {

// Fields of GraphProto (onnx.proto).
constexpr uint32_t kGraphNode = 1;
constexpr uint32_t kGraphInitializer = 5;
constexpr uint32_t kGraphInput = 11;
constexpr uint32_t kGraphOutput = 12;
constexpr uint32_t kGraphValueInfo = 13;

using Names = std::set<std::string>;

void ReserveNames(const onnx::GraphProto& graph, FreshNames& names) {
  for (const auto& input : graph.input()) names.Reserve(input.name());
  for (const auto& tensor : graph.initializer()) names.Reserve(tensor.name());
  for (const auto& node : graph.node()) {
    names.Reserve(node.name());
    for (const std::string& output : node.output()) names.Reserve(output);
    for (const auto& attribute : node.attribute()) {
      if (attribute.has_g()) ReserveNames(attribute.g(), names);
      for (const auto& inner : attribute.graphs()) ReserveNames(inner, names);
    }
  }
}

void RenameIn(onnx::NodeProto& node, const std::string& from, const std::string& to);

void RenameIn(onnx::GraphProto& graph, const std::string& from, const std::string& to) {
  for (auto& node : *graph.mutable_node()) RenameIn(node, from, to);
  for (auto& output : *graph.mutable_output()) {
    if (output.name() == from) output.set_name(to);
  }
}

void RenameIn(onnx::NodeProto& node, const std::string& from, const std::string& to) {
  for (auto* names : {node.mutable_input(), node.mutable_output()}) {
    for (std::string& name : *names) {
      if (name == from) name = to;
    }
  }
  for (auto& attribute : *node.mutable_attribute()) {
    if (attribute.has_g()) RenameIn(*attribute.mutable_g(), from, to);
    for (auto& graph : *attribute.mutable_graphs()) RenameIn(graph, from, to);
  }
}

absl::Status Unfit(const std::string& found) {
  return absl::InvalidArgumentError(
      absl::StrCat("found ", found,
                   ", expected a tensor of [batch, features] or [batch, positions, features] that "
                   "a node of the main graph computes; name one with --head-at"));
}

class HeadAppending {
 public:
  HeadAppending(std::string_view bytes, const ModelLayout& layout, const onnx::ModelProto& model)
      : bytes_(bytes), layout_(layout), model_(model), graph_(model.graph()) {
    for (int n = 0; n < graph_.node_size(); ++n) {
      for (const std::string& output : graph_.node(n).output()) producers_[output] = n;
    }
    for (const auto& tensor : graph_.initializer()) initializers_.insert(tensor.name());
    ReserveNames(graph_, names_);
  }

  absl::StatusOr<ModelWithHead> Append(const HeadRequest& request) {
    if (graph_.output_size() == 0) return Unfit("a graph without outputs");
    output_ = graph_.output(0).name();
    place_ = request.at.empty() ? output_ : request.at;
    for (const std::string& name : {output_, place_}) {
      if (!producers_.contains(name)) {
        return Unfit(absl::StrCat("\"", name, "\", which no node of the main graph computes"));
      }
    }
    STROP_ASSIGN_OR_RETURN(type_, TypeOf(place_));
    FindWhatStays();
    kept_name_ = names_.Take(output_ + "_features");
    STROP_ASSIGN_OR_RETURN(const std::string layer, Layer(request));
    STROP_RETURN_IF_ERROR(Edit(request.classes));
    const size_t end = layout_.messages[static_cast<size_t>(layout_.graph)].end;
    splices_.push_back({end, end, layer, layout_.graph});
    ModelWithHead result;
    result.bytes = ApplySplices(bytes_, layout_, std::move(splices_));
    result.constants = {weight_, bias_};
    const std::string left_out =
        dead_nodes_.empty() ? ""
                            : absl::StrCat("; what only led to the old output is left out (",
                                           dead_nodes_.size(), " nodes)");
    result.note =
        absl::StrCat("a new linear layer of ", features(), " inputs and ", request.classes,
                     " outputs stands behind \"", place_, "\"", left_out);
    return result;
  }

 private:
  int64_t features() const {
    const auto& shape = type_.shape();
    return shape.dim(shape.dim_size() - 1).dim_value();
  }

  // As ONNX's own inference sees it.
  absl::StatusOr<onnx::TypeProto::Tensor> TypeOf(const std::string& name) const {
    onnx::ModelProto inferred = model_;
    try {
      onnx::shape_inference::InferShapes(inferred, onnx::OpSchemaRegistry::Instance(),
                                         onnx::ShapeInferenceOptions(false, 0, true));
    } catch (const std::exception& error) {
      return Unfit(absl::StrCat("a model whose shapes cannot be inferred (", error.what(), ")"));
    }
    const onnx::GraphProto& graph = inferred.graph();
    for (const auto* infos : {&graph.output(), &graph.value_info()}) {
      for (const auto& info : *infos) {
        if (info.name() != name || !info.type().has_tensor_type()) continue;
        const onnx::TypeProto::Tensor& type = info.type().tensor_type();
        STROP_ASSIGN_OR_RETURN(const DataType element_type, ElementType(type.elem_type()));
        if (!IsFloating(element_type)) {
          return Unfit(absl::StrCat("\"", name, "\" of ", std::string(DataTypeName(element_type))));
        }
        const int rank = type.shape().dim_size();
        if (!type.has_shape() || (rank != 2 && rank != 3)) {
          return Unfit(absl::StrCat("\"", name, "\" of ",
                                    type.has_shape() ? absl::StrCat(rank, " axes") : "any shape"));
        }
        if (type.shape().dim(rank - 1).dim_value() < 1) {
          return Unfit(absl::StrCat("\"", name, "\" of an unknown number of features"));
        }
        return type;
      }
    }
    return Unfit(absl::StrCat("\"", name, "\" of an unknown shape"));
  }

  // Nodes that the values need, directly or not.
  std::set<int> Needed(std::vector<std::string> wanted) const {
    std::set<int> nodes;
    while (!wanted.empty()) {
      const auto producer = producers_.find(wanted.back());
      wanted.pop_back();
      if (producer == producers_.end() || !nodes.insert(producer->second).second) continue;
      for (const std::string& name : NamesRead(graph_.node(producer->second))) {
        wanted.push_back(name);
      }
    }
    return nodes;
  }

  void FindWhatStays() {
    std::vector<std::string> before;
    for (const auto& output : graph_.output()) before.push_back(output.name());
    std::vector<std::string> after(before.begin() + 1, before.end());
    after.push_back(place_);
    const std::set<int> needed = Needed(after);
    for (const int n : Needed(before)) {
      if (!needed.contains(n)) dead_nodes_.insert(n);
    }
    Names read(after.begin(), after.end());
    for (int n = 0; n < graph_.node_size(); ++n) {
      if (dead_nodes_.contains(n)) continue;
      for (const std::string& name : NamesRead(graph_.node(n))) read.insert(name);
    }
    for (const int n : dead_nodes_) {
      for (const std::string& name : graph_.node(n).output()) dead_names_.insert(name);
      for (const std::string& name : NamesRead(graph_.node(n))) {
        if (!read.contains(name)) dead_names_.insert(name);
      }
    }
  }

  // The new nodes and constants, as fields of the graph.
  absl::StatusOr<std::string> Layer(const HeadRequest& request) {
    weight_ = names_.Take("head.weight");
    bias_ = names_.Take("head.bias");
    STROP_ASSIGN_OR_RETURN(const DataType type, ElementType(type_.elem_type()));
    const bool is_matrix = type_.shape().dim_size() == 2;
    const std::string input = place_ == output_ ? kept_name_ : place_;
    onnx::NodeProto product;
    product.set_name(names_.Take("head"));
    product.set_op_type(is_matrix ? "Gemm" : "MatMul");
    product.add_input(input);
    product.add_input(weight_);
    onnx::NodeProto sum;  // behind a MatMul
    Shape shape = {request.classes, features()};
    if (is_matrix) {  // the layout of PyTorch's Linear
      product.add_input(bias_);
      product.add_output(output_);
      onnx::AttributeProto& transposed = *product.add_attribute();
      transposed.set_name("transB");
      transposed.set_type(onnx::AttributeProto::INT);
      transposed.set_i(1);
    } else {
      shape = {features(), request.classes};
      product.add_output(names_.Take("head_product"));
      sum.set_name(names_.Take("head_sum"));
      sum.set_op_type("Add");
      sum.add_input(product.output(0));
      sum.add_input(bias_);
      sum.add_output(output_);
    }
    STROP_RETURN_IF_ERROR(CheckedElementCount(shape).status());
    std::string fields;
    STROP_ASSIGN_OR_RETURN(const Tensor weight,
                           FreshLinear(type, shape, features(), request.seed, 0));
    AddConstant(weight_, weight, fields);
    STROP_ASSIGN_OR_RETURN(const Tensor bias,
                           FreshLinear(type, {request.classes}, features(), request.seed, 1));
    AddConstant(bias_, bias, fields);
    fields += EncodeLengthDelimited(kGraphNode, product.SerializeAsString());
    if (!is_matrix) fields += EncodeLengthDelimited(kGraphNode, sum.SerializeAsString());
    return fields;
  }

  void AddConstant(const std::string& name, const Tensor& elements, std::string& fields) const {
    onnx::TensorProto tensor;
    tensor.set_name(name);
    StoreElements(elements, tensor);
    if (model_.ir_version() >= kFreeInitializers) {
      fields += EncodeLengthDelimited(kGraphInitializer, tensor.SerializeAsString());
      return;
    }
    fields +=
        EncodeLengthDelimited(kGraphNode, ConstantNode(std::move(tensor)).SerializeAsString());
  }

  // Takes out what is dead, and gives the first output's name away.
  absl::Status Edit(int64_t classes) {
    const MessageSpan& span = layout_.messages[static_cast<size_t>(layout_.graph)];
    int node = 0;
    int initializer = 0;
    bool is_first_output = true;
    for (WireReader reader(bytes_, span.begin, span.end); !reader.AtEnd();) {
      STROP_ASSIGN_OR_RETURN(const WireField field, reader.Next());
      const std::string content =
          field.number == kGraphInitializer
              ? ""
              : std::string(bytes_.substr(field.payload_begin, field.end - field.payload_begin));
      if (field.number == kGraphNode) {
        if (dead_nodes_.contains(node)) Remove(field);
        if (!dead_nodes_.contains(node)) STROP_RETURN_IF_ERROR(EditNode(node, content, field));
        ++node;
      } else if (field.number == kGraphInitializer) {
        if (dead_names_.contains(graph_.initializer(initializer++).name())) Remove(field);
      } else if (field.number == kGraphOutput && is_first_output) {
        is_first_output = false;
        STROP_RETURN_IF_ERROR(Declare(classes, content, field));
      } else if (field.number == kGraphInput || field.number == kGraphValueInfo) {
        onnx::ValueInfoProto info;
        if (!info.ParseFromString(content)) continue;
        const bool is_of_output = info.name() == output_;
        const bool is_dead_input =
            field.number == kGraphInput && initializers_.contains(info.name());
        if (is_of_output || (dead_names_.contains(info.name()) &&
                             (field.number == kGraphValueInfo || is_dead_input))) {
          Remove(field);
        }
      }
    }
    return absl::OkStatus();
  }

  absl::Status EditNode(int n, const std::string& content, const WireField& field) {
    const onnx::NodeProto& light = graph_.node(n);
    bool names_output = false;
    for (const std::string& name : light.output()) names_output |= name == output_;
    for (const std::string& name : NamesRead(light)) names_output |= name == output_;
    if (!names_output) return absl::OkStatus();
    onnx::NodeProto whole;
    if (!whole.ParseFromString(content)) {
      return absl::InternalError("a node of the model cannot be parsed again");
    }
    RenameIn(whole, output_, kept_name_);
    splices_.push_back({field.begin, field.end,
                        EncodeLengthDelimited(kGraphNode, whole.SerializeAsString()),
                        layout_.graph});
    return absl::OkStatus();
  }

  absl::Status Declare(int64_t classes, const std::string& content, const WireField& field) {
    onnx::ValueInfoProto info;
    if (!info.ParseFromString(content)) {
      return absl::InternalError("an output of the model cannot be parsed again");
    }
    *info.mutable_type()->mutable_tensor_type() = type_;
    auto* shape = info.mutable_type()->mutable_tensor_type()->mutable_shape();
    shape->mutable_dim(shape->dim_size() - 1)->set_dim_value(classes);
    splices_.push_back({field.begin, field.end,
                        EncodeLengthDelimited(kGraphOutput, info.SerializeAsString()),
                        layout_.graph});
    return absl::OkStatus();
  }

  void Remove(const WireField& field) {
    splices_.push_back({field.begin, field.end, "", layout_.graph});
  }

  std::string_view bytes_;
  const ModelLayout& layout_;
  const onnx::ModelProto& model_;
  const onnx::GraphProto& graph_;
  std::map<std::string, int> producers_;
  Names initializers_;
  FreshNames names_;

  std::string output_;     // the first output, which the head computes from now on
  std::string kept_name_;  // of what had that name, where it is still read
  std::string place_;
  std::string weight_;
  std::string bias_;
  onnx::TypeProto::Tensor type_;  // of the values at `place_`
  std::set<int> dead_nodes_;      // that only the old first output needed
  Names dead_names_;              // their results, and the constants that only they read
  std::vector<Splice> splices_;
};

}  // namespace

absl::StatusOr<ModelWithHead> AppendHead(std::string_view bytes, const ModelLayout& layout,
                                         const onnx::ModelProto& model,
                                         const HeadRequest& request) {
  return HeadAppending(bytes, layout, model).Append(request);
}

}  // namespace strop
