#include "plugin/session/lora_export.h"

#include <onnx/onnx_pb.h>

#include <algorithm>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "exporter/adapter_inputs.h"
#include "exporter/atomic_file.h"
#include "exporter/onnx_adapter.h"
#include "graph/finite.h"
#include "graph/status_macros.h"
#include "importer/tensor_conversion.h"
#include "ops/core/registry.h"
#include "plugin/engine/runtime/session.h"
#include "plugin/training/graph/peft_adapter.h"

namespace strop {
namespace {

// The original file, each adapted weight W + scaling·B·A.
class MergedExport : public LoraExport {
 public:
  MergedExport(std::vector<LoraAdapter> adapters, std::string output)
      : adapters_(std::move(adapters)), output_(std::move(output)) {}

  absl::Status Check(const ImportedModel& model) override {
    return CheckExportPath(model, output_);
  }

  absl::StatusOr<ExportNotes> Write(const ImportedModel& model,
                                    std::map<std::string, TensorMaker> trained,
                                    std::shared_ptr<const StateStore> store) override {
    MergeAdapters(adapters_, store, trained);
    return ExportModelInTurn(model, trained, output_);
  }

 private:
  const std::vector<LoraAdapter> adapters_;
  const std::string output_;
};

// A folder that Hugging Face's PEFT loads.
class PeftExport : public LoraExport {
 public:
  PeftExport(LoraOptions options, std::string batch_norm, std::vector<LoraAdapter> adapters,
             std::string output)
      : options_(std::move(options)),
        batch_norm_(std::move(batch_norm)),
        adapters_(std::move(adapters)),
        output_(std::move(output)) {}

  absl::Status Check(const ImportedModel& model) override {
    STROP_RETURN_IF_ERROR(CheckStatistics(model));
    STROP_ASSIGN_OR_RETURN(peft_, DescribeForPeft(model, adapters_, options_));
    return CheckPeftFolder(output_);
  }

  absl::StatusOr<ExportNotes> Write(const ImportedModel& model,
                                    std::map<std::string, TensorMaker> trained,
                                    std::shared_ptr<const StateStore> store) override {
    std::map<std::string, Tensor> tensors;
    for (const Parameter& parameter : model.parameters) {
      if (!peft_.tensors.contains(parameter.name)) continue;
      Tensor& tensor = tensors[parameter.name];
      const Value& value = model.graph.value(parameter.value);
      if (const auto made = trained.find(parameter.name); made != trained.end()) {
        STROP_ASSIGN_OR_RETURN(tensor, made->second());
      } else if (store->Has(value.name)) {  // unchanged, in a module that is trained in part
        STROP_ASSIGN_OR_RETURN(tensor, store->Read(value.name));
      } else {
        tensor = value.tensor;
      }
    }
    for (const LoraAdapter& adapter : adapters_) {
      if (adapter.layer.groups == 1) continue;
      STROP_ASSIGN_OR_RETURN(tensors[adapter.a], OverAllGroups(adapter, tensors[adapter.a]));
    }
    STROP_RETURN_IF_ERROR(WritePeft(peft_, tensors, output_));
    return ExportNotes();
  }

 private:
  // PEFT keeps parameters, not buffers.
  absl::Status CheckStatistics(const ImportedModel& model) const {
    for (const Node& node : model.graph.nodes) {
      if (FactsOf(node).training_behavior != TrainingBehavior::kBatchStatistics) continue;
      const bool moves = batch_norm_.empty() ? node.attributes.Int("training_mode", 0) != 0
                                             : batch_norm_ == "train";
      if (!moves) continue;
      return absl::InvalidArgumentError(absl::StrCat(
          "export: peft: ", NodeLabel(node),
          " moves its running statistics, which PEFT's files do not hold; add --batch-norm frozen, "
          "or use --lora-export merged"));
    }
    return absl::OkStatus();
  }

  // PEFT's A sees all channels, ours those of its group: zero between groups is the same adapter.
  // [rank, in/groups, kernel…] → [rank, in, kernel…].
  static absl::StatusOr<Tensor> OverAllGroups(const LoraAdapter& adapter, const Tensor& a) {
    STROP_ASSIGN_OR_RETURN(const std::vector<double> elements, NumericElements(a));
    const auto groups = static_cast<size_t>(adapter.layer.groups);
    const size_t rank = static_cast<size_t>(a.shape()[0]);
    const size_t row = elements.size() / rank;
    Shape shape = a.shape();
    shape[1] *= adapter.layer.groups;
    Tensor whole(DataType::kDouble, shape);
    const absl::Span<double> out = whole.mutable_elements<double>();
    std::fill(out.begin(), out.end(), 0.0);
    for (size_t r = 0; r < rank; ++r) {
      const size_t group = r / (rank / groups);
      std::copy_n(elements.begin() + static_cast<std::ptrdiff_t>(r * row), row,
                  out.begin() + static_cast<std::ptrdiff_t>((r * groups + group) * row));
    }
    return ConvertTensor(whole, a.type());
  }

  const LoraOptions options_;
  const std::string batch_norm_;  // train, frozen; empty: as in the model
  const std::vector<LoraAdapter> adapters_;
  const std::string output_;
  PeftAdapter peft_;
};

// The model with optional inputs for A and B, and ONNX Runtime's file of what to feed them.
class OnnxAdapterExport : public LoraExport {
 public:
  OnnxAdapterExport(std::vector<LoraAdapter> adapters, std::string output)
      : adapters_(std::move(adapters)), output_(std::move(output)) {}

  absl::Status Check(const ImportedModel& model) override {
    STROP_RETURN_IF_ERROR(CheckExportPath(model, output_));
    std::set<std::string> outputs;
    for (const auto& node : model.model->graph().node()) {
      outputs.insert(node.output().begin(), node.output().end());
    }
    for (const LoraAdapter& adapter : adapters_) {
      for (size_t i = 0; i < adapter.outputs.size(); ++i) {
        if (outputs.contains(adapter.outputs[i])) continue;
        return absl::InvalidArgumentError(absl::StrCat(
            "export: onnx_adapter: \"", adapter.nodes[i],
            "\" lies in a function of the model, expected a layer of the main graph; use "
            "--lora-export merged, or inline the functions"));
      }
    }
    return absl::OkStatus();
  }

  absl::StatusOr<ExportNotes> Write(const ImportedModel& model,
                                    std::map<std::string, TensorMaker> trained,
                                    std::shared_ptr<const StateStore> store) override {
    for (auto& [name, make] : trained) {  // little beside the weights that are not needed now
      STROP_ASSIGN_OR_RETURN(const Tensor tensor, make());
      make = [tensor] { return absl::StatusOr<Tensor>(tensor); };
    }
    store.reset();
    STROP_ASSIGN_OR_RETURN(const auto types, TypesInFile(model));
    std::vector<AdapterInput> inputs;
    std::map<std::string, Tensor> fed;
    for (const LoraAdapter& adapter : adapters_) {
      const DataType type = types.at(adapter.parameter);
      const bool is_convolution = adapter.layer.weight == LinearLayer::Weight::kFilters;
      STROP_ASSIGN_OR_RETURN(const Tensor a, trained.extract(adapter.a).mapped()());
      STROP_ASSIGN_OR_RETURN(const Tensor b, trained.extract(adapter.b).mapped()());
      STROP_ASSIGN_OR_RETURN(const Tensor first, Fed(a, 1, !is_convolution, type));
      STROP_ASSIGN_OR_RETURN(const Tensor second,
                             Fed(b, adapter.scaling * adapter.layer.gain, !is_convolution, type));
      inputs.push_back({.first = adapter.a,
                        .second = adapter.b,
                        .type = type,
                        .first_shape = first.shape(),
                        .second_shape = second.shape(),
                        .first_rank_axis = is_convolution ? 0u : 1u,
                        .second_rank_axis = is_convolution ? 1u : 0u,
                        .groups = adapter.layer.groups,
                        .outputs = adapter.outputs});
      fed[adapter.a] = first;
      fed[adapter.b] = second;
    }
    STROP_ASSIGN_OR_RETURN(std::shared_ptr<const ModelFile> file,
                           AddAdapterInputs(*model.file, inputs));
    STROP_RETURN_IF_ERROR(model.external_data->CheckUnchanged());
    STROP_ASSIGN_OR_RETURN(ImportedModel with_inputs, ImportModel(std::move(file)));
    with_inputs.external_data = model.external_data;  // in the state that was trained on
    ReleaseStateTensors(with_inputs.graph);           // the export takes them from the file
    const std::string adapter_path = AdapterPathBeside(output_);
    STROP_RETURN_IF_ERROR(WriteOnnxAdapter(fed, adapter_path));
    STROP_ASSIGN_OR_RETURN(ExportNotes notes, ExportModelInTurn(with_inputs, trained, output_));
    notes.lines.push_back(absl::StrCat("the adapter is \"", adapter_path, "\""));
    return notes;
  }

 private:
  // Element types of the parameters as the file has them, whatever the model was widened to.
  static absl::StatusOr<std::map<std::string, DataType>> TypesInFile(const ImportedModel& model) {
    std::map<int, int> types_by_number;
    for (const auto& tensor : model.model->graph().initializer()) {
      types_by_number[TensorNumber(tensor)] = tensor.data_type();
    }
    for (const auto& node : model.model->graph().node()) {
      for (const auto& attribute : node.attribute()) {
        if (!attribute.has_t()) continue;
        types_by_number[TensorNumber(attribute.t())] = attribute.t().data_type();
      }
    }
    std::map<std::string, DataType> types;
    for (const Parameter& parameter : model.parameters) {
      const auto found = types_by_number.find(parameter.tensor);
      if (found == types_by_number.end()) continue;  // in a function, or an adapter's own
      STROP_ASSIGN_OR_RETURN(types[parameter.name], ElementType(found->second));
    }
    return types;
  }

  // Scaled, and a matrix transposed: what stands on the right of a product.
  static absl::StatusOr<Tensor> Fed(const Tensor& tensor, double scale, bool is_matrix,
                                    DataType type) {
    STROP_ASSIGN_OR_RETURN(std::vector<double> elements, NumericElements(tensor));
    for (double& element : elements) element *= scale;
    if (!is_matrix) return ConvertFinite(Tensor::FromVector(tensor.shape(), elements), type);
    const int64_t rows = tensor.shape()[0];
    const int64_t columns = tensor.shape()[1];
    Tensor transposed(DataType::kDouble, {columns, rows});
    const absl::Span<double> out = transposed.mutable_elements<double>();
    for (int64_t i = 0; i < rows; ++i) {
      for (int64_t j = 0; j < columns; ++j) {
        out[static_cast<size_t>(j * rows + i)] = elements[static_cast<size_t>(i * columns + j)];
      }
    }
    return ConvertFinite(transposed, type);
  }

  const std::vector<LoraAdapter> adapters_;
  const std::string output_;
};

}  // namespace

void MergeAdapters(const std::vector<LoraAdapter>& adapters,
                   const std::shared_ptr<const StateStore>& store,
                   std::map<std::string, TensorMaker>& trained) {
  for (const LoraAdapter& adapter : adapters) {
    const auto a = trained.extract(adapter.a);
    const auto b = trained.extract(adapter.b);
    if (a.empty() || b.empty()) continue;
    trained[adapter.parameter] = [adapter, store, make_a = a.mapped(),
                                  make_b = b.mapped()]() -> absl::StatusOr<Tensor> {
      STROP_ASSIGN_OR_RETURN(const Tensor weight, store->Read(adapter.weight));
      STROP_ASSIGN_OR_RETURN(const Tensor first, make_a());
      STROP_ASSIGN_OR_RETURN(const Tensor second, make_b());
      return MergeLora(adapter, weight, first, second);
    };
  }
}

absl::StatusOr<std::unique_ptr<LoraExport>> MakeLoraExport(const LoraArguments& arguments,
                                                           const ModeArguments& modes,
                                                           const ImportedModel& model,
                                                           std::vector<LoraAdapter> adapters,
                                                           const std::string& output) {
  std::unique_ptr<LoraExport> lora;
  if (arguments.export_as == "peft") {
    lora =
        std::make_unique<PeftExport>(arguments.lora, modes.batch_norm, std::move(adapters), output);
  } else if (arguments.export_as == "onnx_adapter") {
    lora = std::make_unique<OnnxAdapterExport>(std::move(adapters), output);
  } else {
    lora = std::make_unique<MergedExport>(std::move(adapters), output);
  }
  STROP_RETURN_IF_ERROR(lora->Check(model));
  return lora;
}

std::string AdapterPathBeside(const std::string& model) {
  return absl::StrCat(model, absl::EndsWith(model, ".onnx") ? "_adapter" : ".onnx_adapter");
}

void AddAdapterPaths(const LoraArguments& arguments, const std::string& output,
                     std::vector<CommandPath>& paths) {
  for (CommandPath& path : paths) {
    if (path.option == "-o" && arguments.export_as == "peft") path.role = PathRole::kAdapter;
  }
  if (arguments.export_as != "onnx_adapter") return;
  paths.push_back({"the adapter beside -o", AdapterPathBeside(output), PathRole::kOutputFile});
}

}  // namespace strop
