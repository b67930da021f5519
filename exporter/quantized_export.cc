#include "exporter/quantized_export.h"

#include <onnx/onnx_pb.h>
#include <onnx/version_converter/convert.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

#include "absl/strings/str_cat.h"
#include "exporter/atomic_file.h"
#include "exporter/constant_node.h"
#include "exporter/tensor_patch.h"
#include "exporter/whole_model.h"
#include "graph/affine_quantization.h"
#include "graph/finite.h"
#include "graph/status_macros.h"
#include "importer/model_layout.h"
#include "importer/tensor_conversion.h"

namespace strop {
namespace {

constexpr int64_t kScalesAlongAnAxis = 13;  // opset of DequantizeLinear's axis
constexpr double kLargestWeight = 127;

int64_t OpsetOf(const onnx::ModelProto& model) {
  for (const auto& import : model.opset_import()) {
    if (import.domain().empty() || import.domain() == "ai.onnx") return import.version();
  }
  return 0;
}

absl::StatusOr<onnx::ModelProto> ConvertOpset(const onnx::ModelProto& model) {
  try {
    onnx::ModelProto converted =
        onnx::version_conversion::ConvertVersion(model, static_cast<int>(kScalesAlongAnAxis));
    return converted;
  } catch (const std::exception& error) {
    return absl::UnimplementedError(
        absl::StrCat("the model of opset ", OpsetOf(model), " cannot be converted to opset ",
                     kScalesAlongAnAxis, ", which quantization along an axis needs (", error.what(),
                     "); export it with that opset or a newer one"));
  }
}

// Puts QuantizeLinear and DequantizeLinear into a model.
class QdqWriter {
 public:
  QdqWriter(onnx::ModelProto& model, const ModelQuantization& quantization)
      : model_(model), graph_(*model.mutable_graph()), quantization_(quantization) {
    for (const auto& tensor : graph_.initializer()) constants_[tensor.name()] = &tensor;
    for (const auto& node : graph_.node()) {
      if (node.op_type() != "Constant" || node.attribute_size() != 1) continue;
      if (node.attribute(0).has_t()) constants_[node.output(0)] = &node.attribute(0).t();
    }
  }

  absl::Status Write() {
    std::vector<onnx::NodeProto> nodes(graph_.node().begin(), graph_.node().end());
    for (const auto& [name, axis] : quantization_.weights) {
      STROP_RETURN_IF_ERROR(QuantizeWeight(name, axis));
    }
    for (const auto& input : graph_.input()) QuantizeActivation(input.name());
    for (onnx::NodeProto& node : nodes) {
      STROP_RETURN_IF_ERROR(QuantizeBias(node));
      for (std::string& input : *node.mutable_input()) {
        if (const auto found = replaced_.find(input); found != replaced_.end()) {
          input = found->second;
        }
      }
      const std::vector<std::string> outputs(node.output().begin(), node.output().end());
      written_.push_back(std::move(node));
      for (const std::string& output : outputs) QuantizeActivation(output);
    }
    RemoveUnreadConstants();
    graph_.clear_node();
    for (onnx::NodeProto& node : written_) *graph_.add_node() = std::move(node);
    return absl::OkStatus();
  }

 private:
  absl::StatusOr<Tensor> ConstantNamed(const std::string& name) {
    const auto found = constants_.find(name);
    if (found == constants_.end()) {
      return absl::InternalError(absl::StrCat("tensor \"", name, "\" is no constant"));
    }
    ExternalData none;
    const ModelLayout no_layout;
    return TensorReader("", no_layout, none).Read(*found->second);
  }

  // Adds a constant and answers its name.
  std::string AddConstant(const std::string& name, const Tensor& elements) {
    onnx::TensorProto tensor;
    tensor.set_name(name);
    StoreElements(elements, tensor);
    if (model_.ir_version() >= kFreeInitializers) {
      *graph_.add_initializer() = std::move(tensor);
      return name;
    }
    written_.push_back(ConstantNode(std::move(tensor)));
    return name;
  }

  void AddNode(const std::string& op_type, const std::string& output,
               const std::vector<std::string>& inputs, std::optional<int64_t> axis) {
    onnx::NodeProto node;
    node.set_op_type(op_type);
    node.set_name(output);
    for (const std::string& input : inputs) node.add_input(input);
    node.add_output(output);
    if (axis) {
      onnx::AttributeProto& attribute = *node.add_attribute();
      attribute.set_name("axis");
      attribute.set_type(onnx::AttributeProto::INT);
      attribute.set_i(*axis);
    }
    written_.push_back(std::move(node));
  }

  absl::Status QuantizeWeight(const std::string& name, int64_t axis) {
    STROP_ASSIGN_OR_RETURN(const Tensor weight, ConstantNamed(name));
    STROP_ASSIGN_OR_RETURN(const std::vector<double> elements, NumericElements(weight));
    const auto channels = static_cast<size_t>(weight.shape()[static_cast<size_t>(axis)]);
    size_t inner = 1;
    for (size_t i = static_cast<size_t>(axis) + 1; i < weight.shape().size(); ++i) {
      inner *= static_cast<size_t>(weight.shape()[i]);
    }
    std::vector<double> largest(channels, 0);
    for (size_t i = 0; i < elements.size(); ++i) {
      double& of_channel = largest[i / inner % channels];
      of_channel = std::max(of_channel, std::fabs(elements[i]));
    }
    std::vector<float> scales;
    for (const double magnitude : largest) {
      scales.push_back(SymmetricQuantizationScale(magnitude, kLargestWeight));
    }
    Tensor quantized(DataType::kInt8, weight.shape());
    for (size_t i = 0; i < elements.size(); ++i) {
      const double q = std::rint(elements[i] / static_cast<double>(scales[i / inner % channels]));
      quantized.mutable_elements<int8_t>()[i] =
          static_cast<int8_t>(std::min(std::max(q, -kLargestWeight), kLargestWeight));
    }
    const Shape of_channels = {static_cast<int64_t>(channels)};
    const std::string scale =
        AddConstant(name + "_scale", Tensor::FromVector<float>(of_channels, scales));
    const std::string zero =
        AddConstant(name + "_zero_point", Tensor(DataType::kInt8, of_channels));
    const std::string stored = AddConstant(name + "_quantized", quantized);
    replaced_[name] = name + "_dequantized";
    AddNode("DequantizeLinear", replaced_[name], {stored, scale, zero}, axis);
    scales_[name] = std::move(scales);
    return absl::OkStatus();
  }

  void QuantizeActivation(const std::string& name) {
    const auto found = quantization_.activations.find(name);
    if (found == quantization_.activations.end()) return;
    const std::string scale = AddConstant(name + "_scale", Tensor::Scalar(found->second.scale));
    const std::string zero =
        AddConstant(name + "_zero_point", Tensor::Scalar(found->second.zero_point));
    const std::string quantized = name + "_quantized";
    replaced_[name] = name + "_dequantized";
    AddNode("QuantizeLinear", quantized, {name, scale, zero}, std::nullopt);
    AddNode("DequantizeLinear", replaced_[name], {quantized, scale, zero}, std::nullopt);
  }

  // A bias is added to sums of products, which count in the activation's scale times the weight's.
  absl::Status QuantizeBias(onnx::NodeProto& node) {
    if ((node.op_type() != "Conv" && node.op_type() != "Gemm") || node.input_size() < 3) {
      return absl::OkStatus();
    }
    const auto activation = quantization_.activations.find(node.input(0));
    const auto weight = scales_.find(node.input(1));
    const std::string& name = node.input(2);
    if (activation == quantization_.activations.end() || weight == scales_.end() ||
        !constants_.contains(name)) {
      return absl::OkStatus();
    }
    for (const auto& attribute : node.attribute()) {  // alpha and beta would count too
      if ((attribute.name() == "alpha" || attribute.name() == "beta") && attribute.f() != 1) {
        return absl::OkStatus();
      }
    }
    STROP_ASSIGN_OR_RETURN(const Tensor bias, ConstantNamed(name));
    const auto channels = static_cast<int64_t>(weight->second.size());
    if (bias.shape() != Shape{channels}) return absl::OkStatus();
    STROP_ASSIGN_OR_RETURN(const std::vector<double> elements, NumericElements(bias));
    std::vector<float> scales;
    std::vector<int32_t> quantized;
    for (size_t c = 0; c < elements.size(); ++c) {
      scales.push_back(activation->second.scale * weight->second[c]);
      const double q = std::rint(elements[c] / static_cast<double>(scales.back()));
      constexpr double kLargest = 2147483647;
      quantized.push_back(static_cast<int32_t>(std::min(std::max(q, -kLargest), kLargest)));
    }
    // One bias may serve nodes of other scales: the node's name keeps them apart.
    const std::string own = absl::StrCat(name, "_", node.output(0));
    const std::string scale =
        AddConstant(own + "_scale", Tensor::FromVector<float>({channels}, scales));
    const std::string stored =
        AddConstant(own + "_quantized", Tensor::FromVector<int32_t>({channels}, quantized));
    AddNode("DequantizeLinear", own + "_dequantized", {stored, scale}, int64_t{0});
    node.set_input(2, own + "_dequantized");
    return absl::OkStatus();
  }

  // The floating tensors that quantized ones replace.
  void RemoveUnreadConstants() {
    std::set<std::string> read;
    for (const auto& output : graph_.output()) read.insert(output.name());
    for (const onnx::NodeProto& node : written_) CollectReads(node, read);
    std::erase_if(written_, [&](const onnx::NodeProto& node) {
      return node.op_type() == "Constant" && node.output_size() == 1 &&
             constants_.contains(node.output(0)) && !read.contains(node.output(0));
    });
    auto& initializers = *graph_.mutable_initializer();
    const auto is_unread = [&](const onnx::TensorProto& tensor) {
      return constants_.contains(tensor.name()) && !read.contains(tensor.name());
    };
    std::set<std::string> removed;
    for (const onnx::TensorProto& tensor : initializers) {
      if (is_unread(tensor)) removed.insert(tensor.name());
    }
    const auto end = std::remove_if(initializers.begin(), initializers.end(), is_unread);
    initializers.erase(end, initializers.end());
    auto& inputs = *graph_.mutable_input();  // IR version 3 lists initializers there too
    inputs.erase(std::remove_if(inputs.begin(), inputs.end(),
                                [&](const auto& input) { return removed.contains(input.name()); }),
                 inputs.end());
  }

  static void CollectReads(const onnx::NodeProto& node, std::set<std::string>& read) {
    read.insert(node.input().begin(), node.input().end());
    for (const auto& attribute : node.attribute()) {
      if (attribute.has_g()) CollectReads(attribute.g(), read);
      for (const auto& graph : attribute.graphs()) CollectReads(graph, read);
    }
  }
  static void CollectReads(const onnx::GraphProto& graph, std::set<std::string>& read) {
    for (const auto& node : graph.node()) CollectReads(node, read);
    for (const auto& output : graph.output()) read.insert(output.name());
  }

  onnx::ModelProto& model_;
  onnx::GraphProto& graph_;
  const ModelQuantization& quantization_;
  std::map<std::string, const onnx::TensorProto*> constants_;
  std::map<std::string, std::vector<float>> scales_;  // of quantized weights
  std::map<std::string, std::string> replaced_;
  std::vector<onnx::NodeProto> written_;
};

struct Quantized {
  onnx::ModelProto model;
  ExportNotes notes;
};

absl::StatusOr<Quantized> Quantize(const ImportedModel& model,
                                   const std::map<std::string, Tensor>& trained,
                                   const ModelQuantization& quantization) {
  STROP_RETURN_IF_ERROR(CheckFiniteElements(model, trained));
  STROP_ASSIGN_OR_RETURN(const std::shared_ptr<const std::string> bytes, model.file->Read());
  STROP_ASSIGN_OR_RETURN(const ModelLayout layout, ScanModel(*bytes));
  Quantized quantized;
  STROP_ASSIGN_OR_RETURN(quantized.model, BuildWholeModel(model, *bytes, layout, trained));
  if (const int64_t opset = OpsetOf(quantized.model); opset < kScalesAlongAnAxis) {
    STROP_ASSIGN_OR_RETURN(quantized.model, ConvertOpset(quantized.model));
    quantized.notes.lines.push_back(absl::StrCat("the model of opset ", opset,
                                                 " is written in opset ", kScalesAlongAnAxis,
                                                 ", the first with scales along an axis"));
  }
  STROP_RETURN_IF_ERROR(QdqWriter(quantized.model, quantization).Write());
  STROP_RETURN_IF_ERROR(model.external_data->CheckUnchanged());
  return quantized;
}

absl::StatusOr<ExportNotes> Export(const ImportedModel& model,
                                   const std::map<std::string, Tensor>& trained,
                                   const ModelQuantization& quantization, const std::string& path) {
  STROP_ASSIGN_OR_RETURN(const Quantized quantized, Quantize(model, trained, quantization));
  STROP_ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::Create(path));
  STROP_RETURN_IF_ERROR(file.Append(quantized.model.SerializeAsString()));
  STROP_RETURN_IF_ERROR(file.Flush());
  STROP_RETURN_IF_ERROR(model.external_data->CheckUnchanged());
  STROP_RETURN_IF_ERROR(file.Commit());
  return quantized.notes;
}

absl::Status InStage(const absl::Status& status) {
  return absl::Status(status.code(), absl::StrCat("export: ", status.message()));
}

}  // namespace

absl::Status CheckQuantizedExport(const ImportedModel& model) {
  for (const Parameter& parameter : model.parameters) {
    if (parameter.role != Parameter::Role::kTrained) continue;
    if (parameter.type != DataType::kFloat16 && parameter.type != DataType::kBFloat16) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        "export: tensor \"", parameter.name, "\" is ", std::string(DataTypeName(parameter.type)),
        ", expected float32, of which QuantizeLinear's integer kernels are; convert the file to "
        "float32 before"));
  }
  const int64_t opset = OpsetOf(*model.model);
  if (opset >= kScalesAlongAnAxis || model.model->functions_size() == 0) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("export: the model of opset ", opset, " has functions, expected none, or opset ",
                   kScalesAlongAnAxis,
                   " for quantization along an axis; export it with that opset or a newer one"));
}

absl::StatusOr<ExportNotes> ExportQuantizedModel(const ImportedModel& model,
                                                 const std::map<std::string, Tensor>& trained,
                                                 const ModelQuantization& quantization,
                                                 const std::string& path) {
  STROP_RETURN_IF_ERROR(CheckExportPath(model, path));
  absl::StatusOr<ExportNotes> notes = Export(model, trained, quantization, path);
  if (!notes.ok()) return InStage(notes.status());
  return notes;
}

absl::StatusOr<std::string> SerializeQuantizedModel(const ImportedModel& model,
                                                    const std::map<std::string, Tensor>& trained,
                                                    const ModelQuantization& quantization) {
  const absl::StatusOr<Quantized> quantized = Quantize(model, trained, quantization);
  if (!quantized.ok()) return InStage(quantized.status());
  return quantized->model.SerializeAsString();
}

}  // namespace strop
