#include "exporter/whole_model.h"

#include "absl/strings/str_cat.h"
#include "exporter/constant_node.h"
#include "exporter/tensor_patch.h"
#include "graph/finite.h"
#include "graph/status_macros.h"
#include "importer/tensor_conversion.h"

namespace strop {
namespace {

constexpr size_t kLargestModel = size_t{2} << 30;

class WholeModel {
 public:
  WholeModel(const ImportedModel& model, std::string_view bytes, const ModelLayout& layout,
             const std::map<std::string, Tensor>& trained)
      : model_(model),
        layout_(layout),
        reader_(bytes, layout, *model.external_data),
        elements_(trained) {
    for (const Parameter& parameter : model.parameters) {
      if (parameter.is_in_function) names_in_functions_[parameter.tensor] = parameter.name;
    }
  }

  absl::StatusOr<onnx::ModelProto> Build(const std::string& bytes) {
    onnx::ModelProto whole;
    if (!whole.ParseFromString(bytes)) {
      return absl::InternalError("the model that was imported cannot be parsed");
    }
    // What stands behind an Identity keeps its elements, whatever becomes of the source.
    for (const Parameter& parameter : model_.parameters) {
      if (parameter.origin != Parameter::Origin::kIdentity || parameter.tensor < 0) continue;
      if (elements_.contains(parameter.name)) continue;
      STROP_ASSIGN_OR_RETURN(elements_[parameter.name],
                             ReadElements(bytes, layout_, parameter.tensor, *model_.external_data));
    }
    onnx::GraphProto& graph = *whole.mutable_graph();
    for (onnx::TensorProto& tensor : *graph.mutable_initializer()) {
      STROP_RETURN_IF_ERROR(Fill(tensor.name(), tensor));
    }
    for (onnx::NodeProto& node : *graph.mutable_node()) {
      if (node.op_type() == "Identity" && elements_.contains(node.output(0))) {
        STROP_RETURN_IF_ERROR(MakeConstant(node));
        continue;
      }
      for (onnx::AttributeProto& attribute : *node.mutable_attribute()) {
        if (!attribute.has_t()) continue;
        const bool is_constant = node.op_type() == "Constant" && node.output_size() == 1;
        STROP_RETURN_IF_ERROR(Fill(is_constant ? node.output(0) : "", *attribute.mutable_t()));
      }
    }
    for (int f = 0; f < whole.functions_size(); ++f) {
      STROP_RETURN_IF_ERROR(FillFunction(model_.model->functions(f), *whole.mutable_functions(f)));
    }
    if (whole.ByteSizeLong() >= kLargestModel) {
      return absl::InvalidArgumentError(
          "the model has more than 2 GB, expected less in one message; write it to a file, without "
          "quantization");
    }
    return whole;
  }

 private:
  absl::Status Fill(const std::string& name, onnx::TensorProto& tensor) {
    Tensor elements;
    if (const auto found = elements_.find(name); found != elements_.end()) {
      STROP_ASSIGN_OR_RETURN(const DataType type, ElementType(tensor.data_type()));
      STROP_ASSIGN_OR_RETURN(elements, ConvertTensor(found->second, type));
    } else if (tensor.data_location() == onnx::TensorProto::EXTERNAL) {
      STROP_ASSIGN_OR_RETURN(elements, reader_.Read(tensor));
    } else {
      return absl::OkStatus();
    }
    StoreElements(elements, tensor);
    return absl::OkStatus();
  }

  // `numbered` is the same function in the model as it was imported, whose tensors carry numbers.
  absl::Status FillFunction(const onnx::FunctionProto& numbered, onnx::FunctionProto& function) {
    for (int n = 0; n < function.node_size(); ++n) {
      for (int a = 0; a < function.node(n).attribute_size(); ++a) {
        onnx::AttributeProto& attribute = *function.mutable_node(n)->mutable_attribute(a);
        if (!attribute.has_t()) continue;
        const int tensor = TensorNumber(numbered.node(n).attribute(a).t());
        const auto name = names_in_functions_.find(tensor);
        STROP_RETURN_IF_ERROR(
            Fill(name == names_in_functions_.end() ? "" : name->second, *attribute.mutable_t()));
      }
    }
    return absl::OkStatus();
  }

  // An Identity of a constant from which its elements have parted.
  absl::Status MakeConstant(onnx::NodeProto& node) {
    onnx::TensorProto& tensor = BecomeConstant(node);
    tensor.set_data_type(static_cast<int>(elements_.at(node.output(0)).type()));
    return Fill(node.output(0), tensor);
  }

  const ImportedModel& model_;
  const ModelLayout& layout_;
  TensorReader reader_;
  std::map<std::string, Tensor> elements_;         // trained, or not to change with another
  std::map<int, std::string> names_in_functions_;  // of parameters, by tensor number
};

}  // namespace

absl::Status CheckFiniteElements(const ImportedModel& model,
                                 const std::map<std::string, Tensor>& trained) {
  for (const Parameter& parameter : model.parameters) {
    const auto tensor = trained.find(parameter.name);
    if (tensor == trained.end()) continue;
    const absl::Status status = ConvertFinite(tensor->second, parameter.type).status();
    if (status.ok()) continue;
    return absl::Status(status.code(),
                        absl::StrCat("tensor \"", parameter.name, "\": ", status.message()));
  }
  return absl::OkStatus();
}

absl::StatusOr<onnx::ModelProto> BuildWholeModel(const ImportedModel& model,
                                                 const std::string& bytes,
                                                 const ModelLayout& layout,
                                                 const std::map<std::string, Tensor>& trained) {
  return WholeModel(model, bytes, layout, trained).Build(bytes);
}

}  // namespace strop
