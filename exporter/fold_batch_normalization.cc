#include "exporter/fold_batch_normalization.h"

#include <onnx/onnx_pb.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <vector>

#include "absl/strings/str_cat.h"
#include "exporter/constant_node.h"
#include "exporter/tensor_patch.h"
#include "graph/status_macros.h"
#include "graph/unique_names.h"
#include "importer/external_data.h"
#include "importer/model_layout.h"
#include "importer/node_order.h"
#include "importer/tensor_conversion.h"

namespace strop {
namespace {

// Inputs of BatchNormalization.
constexpr int kScale = 1;
constexpr int kShift = 2;
constexpr int kMean = 3;
constexpr int kVariance = 4;

const onnx::AttributeProto* Find(const onnx::NodeProto& node, std::string_view name) {
  for (const auto& attribute : node.attribute()) {
    if (attribute.name() == name) return &attribute;
  }
  return nullptr;
}

int64_t Int(const onnx::NodeProto& node, std::string_view name, int64_t otherwise) {
  const onnx::AttributeProto* attribute = Find(node, name);
  return attribute == nullptr ? otherwise : attribute->i();
}

float Float(const onnx::NodeProto& node, std::string_view name, float otherwise) {
  const onnx::AttributeProto* attribute = Find(node, name);
  return attribute == nullptr ? otherwise : attribute->f();
}

bool IsOnnx(const onnx::NodeProto& node, std::string_view op_type) {
  return (node.domain().empty() || node.domain() == "ai.onnx") && node.op_type() == op_type;
}

bool IsBatchNormalization(const onnx::NodeProto& node) {
  return IsOnnx(node, "BatchNormalization");
}

class Folding {
 public:
  Folding(onnx::ModelProto& model, ExternalData& external_data)
      : model_(model),
        graph_(*model.mutable_graph()),
        reader_("", no_layout_, external_data),
        nodes_(graph_.node().begin(), graph_.node().end()) {
    for (auto& tensor : *graph_.mutable_initializer()) constants_[tensor.name()] = &tensor;
    for (const auto& output : graph_.output()) ++reads_[output.name()];
    for (onnx::NodeProto& node : nodes_) {
      for (const std::string& name : NamesRead(node)) ++reads_[name];
      for (const std::string& output : node.output()) producers_[output] = &node;
      if (node.op_type() != "Constant" || node.attribute_size() != 1) continue;
      if (node.attribute(0).has_t()) {
        constants_[node.output(0)] = node.mutable_attribute(0)->mutable_t();
      }
    }
    for (const auto& [name, tensor] : constants_) names_.Reserve(name);
    for (const auto& [name, node] : producers_) names_.Reserve(name);
    for (const auto& [name, count] : reads_) names_.Reserve(name);
  }

  absl::Status Run() {
    for (onnx::NodeProto& node : nodes_) {
      if (!IsBatchNormalization(node)) continue;
      onnx::NodeProto* layer = LayerOf(node);
      if (layer == nullptr) continue;
      STROP_RETURN_IF_ERROR(Fold(node, *layer));
    }
    RemoveUnread();
    return absl::OkStatus();
  }

  int folded() const { return folded_; }
  int kept() const {
    return static_cast<int>(
        std::count_if(graph_.node().begin(), graph_.node().end(), IsBatchNormalization));
  }

 private:
  bool IsReadOnce(const std::string& name) const {
    const auto found = reads_.find(name);
    return found != reads_.end() && found->second == 1;
  }

  // A floating constant by name; null if it is none.
  onnx::TensorProto* Constant(const std::string& name) const {
    const auto found = constants_.find(name);
    return found == constants_.end() ? nullptr : found->second;
  }

  // The same behind Identity nodes.
  const onnx::TensorProto* ConstantBehind(std::string name) const {
    for (size_t i = 0; i < nodes_.size(); ++i) {
      if (const onnx::TensorProto* constant = Constant(name)) return constant;
      const auto producer = producers_.find(name);
      if (producer == producers_.end() || !IsOnnx(*producer->second, "Identity")) break;
      if (producer->second->input_size() != 1) break;
      name = producer->second->input(0);
    }
    return nullptr;
  }

  // The layer that takes the BatchNormalization in; null when it has to stay.
  onnx::NodeProto* LayerOf(const onnx::NodeProto& node) const {
    const bool has_one_output = node.output_size() == 1 && !node.output(0).empty();
    if (node.input_size() != 5 || !has_one_output || Int(node, "training_mode", 0) != 0 ||
        Int(node, "spatial", 1) == 0 || !IsReadOnce(node.input(0))) {
      return nullptr;
    }
    for (const int i : {kScale, kShift, kMean, kVariance}) {
      if (ConstantBehind(node.input(i)) == nullptr) return nullptr;
    }
    const auto producer = producers_.find(node.input(0));
    if (producer == producers_.end()) return nullptr;
    onnx::NodeProto& layer = *producer->second;
    const bool is_gemm = IsOnnx(layer, "Gemm");
    if (!is_gemm && !IsOnnx(layer, "Conv")) return nullptr;
    if (layer.input_size() < 2 || !IsReadOnce(layer.input(1))) return nullptr;
    const onnx::TensorProto* weight = Constant(layer.input(1));
    const int channels = ConstantBehind(node.input(kScale))->dims_size() == 1
                             ? static_cast<int>(ConstantBehind(node.input(kScale))->dims(0))
                             : -1;
    if (weight == nullptr || weight->dims_size() < 2) return nullptr;
    if (weight->dims(static_cast<int>(OutputAxis(layer))) != channels) return nullptr;
    if (is_gemm && (weight->dims_size() != 2 || Float(layer, "beta", 1) != 1)) return nullptr;
    if (!HasBias(layer)) return &layer;
    const onnx::TensorProto* bias = ConstantBehind(layer.input(2));
    const bool is_vector = bias != nullptr && bias->dims_size() == 1 && bias->dims(0) == channels;
    return is_vector ? &layer : nullptr;
  }

  static bool HasBias(const onnx::NodeProto& layer) {
    return layer.input_size() > 2 && !layer.input(2).empty();
  }

  static size_t OutputAxis(const onnx::NodeProto& layer) {
    return IsOnnx(layer, "Gemm") && Int(layer, "transB", 0) == 0 ? 1 : 0;
  }

  absl::StatusOr<std::vector<double>> Numbers(const std::string& name) {
    STROP_ASSIGN_OR_RETURN(const Tensor tensor, reader_.Read(*ConstantBehind(name)));
    return NumericElements(tensor);
  }

  absl::Status Fold(onnx::NodeProto& node, onnx::NodeProto& layer) {
    STROP_ASSIGN_OR_RETURN(const std::vector<double> scale, Numbers(node.input(kScale)));
    STROP_ASSIGN_OR_RETURN(const std::vector<double> shift, Numbers(node.input(kShift)));
    STROP_ASSIGN_OR_RETURN(const std::vector<double> mean, Numbers(node.input(kMean)));
    STROP_ASSIGN_OR_RETURN(const std::vector<double> variance, Numbers(node.input(kVariance)));
    const size_t channels = scale.size();
    if (shift.size() != channels || mean.size() != channels || variance.size() != channels) {
      return absl::InvalidArgumentError(
          absl::StrCat(NodeProtoLabel(node), " has parameters of ", channels, ", ", shift.size(),
                       ", ", mean.size(), " and ", variance.size(),
                       " elements, expected as many of each; export the model again"));
    }
    std::vector<double> bias(channels, 0);
    if (HasBias(layer)) {
      STROP_ASSIGN_OR_RETURN(bias, Numbers(layer.input(2)));
    }
    const double epsilon = static_cast<double>(Float(node, "epsilon", 1e-5f));
    std::vector<double> factors;
    for (size_t c = 0; c < channels; ++c) {
      factors.push_back(scale[c] / std::sqrt(variance[c] + epsilon));
      bias[c] = (bias[c] - mean[c]) * factors[c] + shift[c];
    }
    onnx::TensorProto& weight = *Constant(layer.input(1));
    STROP_RETURN_IF_ERROR(ScaleWeight(weight, OutputAxis(layer), factors));
    STROP_ASSIGN_OR_RETURN(const DataType type, ElementType(weight.data_type()));
    STROP_RETURN_IF_ERROR(SetBias(node, layer, bias, type));
    declared_no_more_.insert(layer.output(0));
    for (const int i : {kScale, kShift, kMean, kVariance}) Forget(node.input(i));
    layer.set_output(0, node.output(0));
    producers_[node.output(0)] = &layer;
    node.Clear();  // taken out at the end
    ++folded_;
    return absl::OkStatus();
  }

  absl::Status ScaleWeight(onnx::TensorProto& weight, size_t axis,
                           const std::vector<double>& factors) {
    STROP_ASSIGN_OR_RETURN(const Tensor original, reader_.Read(weight));
    STROP_ASSIGN_OR_RETURN(std::vector<double> elements, NumericElements(original));
    size_t inner = 1;
    for (size_t i = axis + 1; i < original.shape().size(); ++i) {
      inner *= static_cast<size_t>(original.shape()[i]);
    }
    for (size_t i = 0; i < elements.size(); ++i) elements[i] *= factors[i / inner % factors.size()];
    STROP_ASSIGN_OR_RETURN(
        const Tensor scaled,
        ConvertTensor(Tensor::FromVector(original.shape(), elements), original.type()));
    StoreElements(scaled, weight);
    return absl::OkStatus();
  }

  // In the layer's own bias, else in the shift's tensor, else in a new one.
  absl::Status SetBias(const onnx::NodeProto& node, onnx::NodeProto& layer,
                       const std::vector<double>& elements, DataType type) {
    STROP_ASSIGN_OR_RETURN(
        const Tensor bias,
        ConvertTensor(Tensor::FromVector<double>({static_cast<int64_t>(elements.size())}, elements),
                      type));
    std::string name = HasBias(layer) ? layer.input(2) : node.input(kShift);
    if (HasBias(layer)) Forget(name);
    onnx::TensorProto* place = Constant(name);
    if (place == nullptr || reads_[name] > (HasBias(layer) ? 0 : 1)) {
      name = names_.Take(layer.output(0) + "_bias");
      place = AddConstant(name, layer);
    }
    StoreElements(bias, *place);
    ++reads_[name];
    while (layer.input_size() < 3) layer.add_input("");
    layer.set_input(2, name);
    return absl::OkStatus();
  }

  // A constant without elements, that `reader` can read.
  onnx::TensorProto* AddConstant(const std::string& name, const onnx::NodeProto& reader) {
    onnx::TensorProto* tensor = nullptr;
    if (model_.ir_version() >= kFreeInitializers) {
      tensor = graph_.add_initializer();
    } else {
      onnx::NodeProto& node = added_[&reader];
      node.set_name(name);
      node.add_output(name);
      tensor = &BecomeConstant(node);
    }
    tensor->set_name(name);
    constants_[name] = tensor;
    return tensor;
  }

  // One reader less.
  void Forget(const std::string& name) {
    --reads_[name];
    unread_.push_back(name);
  }

  // Takes out what only BatchNormalizations read, and these.
  void RemoveUnread() {
    std::set<std::string> removed;
    for (size_t i = 0; i < unread_.size(); ++i) {
      const std::string name = unread_[i];
      if (reads_[name] > 0 || !removed.insert(name).second) continue;
      const auto producer = producers_.find(name);
      if (producer == producers_.end()) continue;
      for (const std::string& input : producer->second->input()) Forget(input);  // an Identity
      producer->second->Clear();
    }
    const auto is_removed = [&](const auto& named) { return removed.contains(named.name()); };
    const auto erase = [](auto& fields, const auto& predicate) {
      fields.erase(std::remove_if(fields.begin(), fields.end(), predicate), fields.end());
    };
    erase(*graph_.mutable_initializer(), is_removed);
    erase(*graph_.mutable_input(), is_removed);  // IR version 3 lists initializers there too
    erase(*graph_.mutable_value_info(), [&](const onnx::ValueInfoProto& info) {
      return is_removed(info) || declared_no_more_.contains(info.name());
    });
    graph_.clear_node();
    for (onnx::NodeProto& node : nodes_) {
      if (const auto found = added_.find(&node); found != added_.end()) {
        *graph_.add_node() = found->second;
      }
      if (!node.op_type().empty()) *graph_.add_node() = std::move(node);
    }
  }

  onnx::ModelProto& model_;
  onnx::GraphProto& graph_;
  const ModelLayout no_layout_;
  TensorReader reader_;
  std::vector<onnx::NodeProto> nodes_;
  std::map<const onnx::NodeProto*, onnx::NodeProto> added_;  // by the node they stand before
  std::map<std::string, onnx::TensorProto*> constants_;
  std::map<std::string, onnx::NodeProto*> producers_;
  std::map<std::string, int> reads_;
  FreshNames names_;
  std::vector<std::string> unread_;
  std::set<std::string> declared_no_more_;
  int folded_ = 0;
};

absl::StatusOr<FoldedModel> Fold(std::shared_ptr<const ModelFile> file) {
  STROP_ASSIGN_OR_RETURN(const std::shared_ptr<const std::string> bytes, file->Read());
  STROP_RETURN_IF_ERROR(ScanModel(*bytes).status());
  onnx::ModelProto model;
  if (!model.ParseFromString(*bytes)) {
    return absl::InvalidArgumentError(
        "the file is no ONNX model: protobuf cannot parse it; check where it comes from");
  }
  ExternalData external_data(*file);
  Folding folding(model, external_data);
  STROP_RETURN_IF_ERROR(folding.Run());
  FoldedModel result{std::move(file), folding.folded(), folding.kept()};
  if (result.folded > 0) {
    result.file = ModelFile::FromBytes(model.SerializeAsString(), *result.file);
  }
  return result;
}

}  // namespace

absl::StatusOr<FoldedModel> FoldBatchNormalization(std::shared_ptr<const ModelFile> file) {
  absl::StatusOr<FoldedModel> result = Fold(std::move(file));
  if (result.ok()) return result;
  return absl::Status(result.status().code(), absl::StrCat("fold: ", result.status().message()));
}

}  // namespace strop
