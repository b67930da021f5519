#include "exporter/exporter.h"

#include <filesystem>
#include <set>

#include "absl/strings/str_cat.h"
#include "exporter/atomic_file.h"
#include "exporter/constant_node.h"
#include "exporter/external_export.h"
#include "exporter/tensor_patch.h"
#include "exporter/whole_model.h"
#include "graph/finite.h"
#include "graph/status_macros.h"
#include "importer/model_layout.h"
#include "importer/tensor_conversion.h"

namespace strop {
namespace {

namespace fs = std::filesystem;

// Fields of GraphProto (onnx.proto).
constexpr uint32_t kGraphNode = 1;
constexpr uint32_t kGraphInitializer = 5;

class Exporter {
 public:
  Exporter(const ImportedModel& model, std::string_view bytes, const ModelLayout& layout,
           const std::string& path)
      : model_(model),
        bytes_(bytes),
        layout_(layout),
        path_(path),
        external_(model, bytes, layout, path) {
    if (!model.parameters.empty()) IndexIdentities(model.model->graph());
  }

  absl::StatusOr<ExportNotes> Export(const std::map<std::string, TensorMaker>& trained) {
    STROP_RETURN_IF_ERROR(PatchAll(trained));
    ExportNotes notes;
    STROP_RETURN_IF_ERROR(external_.Write(splices_, notes));
    STROP_ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::Create(path_));
    STROP_RETURN_IF_ERROR(splices_.empty() ? WriteInPlace(file) : WriteSpliced(file));
    STROP_RETURN_IF_ERROR(file.Flush());
    STROP_RETURN_IF_ERROR(model_.external_data->CheckUnchanged());
    // The model last: it must never name data that are not there.
    STROP_RETURN_IF_ERROR(file.Commit());
    external_.Keep();
    return notes;
  }

  // The same in memory, of a model without external data.
  absl::StatusOr<std::string> Serialize(const std::map<std::string, TensorMaker>& trained) {
    STROP_RETURN_IF_ERROR(PatchAll(trained));
    if (!splices_.empty()) return Spliced();
    std::string patched(bytes_);
    STROP_RETURN_IF_ERROR(ForEachInPlace([&patched](size_t offset, std::string_view elements) {
      patched.replace(offset, elements.size(), elements);
      return absl::OkStatus();
    }));
    return patched;
  }

 private:
  absl::Status PatchAll(const std::map<std::string, TensorMaker>& trained) {
    STROP_RETURN_IF_ERROR(model_.external_data->CheckUnchanged());
    STROP_RETURN_IF_ERROR(external_.Index());
    std::map<std::string, const Parameter*> parameters;
    for (const Parameter& parameter : model_.parameters) parameters[parameter.name] = &parameter;
    for (const auto& [name, make] : trained) {
      const auto found = parameters.find(name);
      if (found == parameters.end()) {
        return absl::InternalError(absl::StrCat("tensor \"", name, "\" is none of the model's"));
      }
      const absl::Status status = Patch(*found->second, make);
      if (!status.ok()) {
        return absl::Status(status.code(),
                            absl::StrCat("tensor \"", name, "\": ", status.message()));
      }
    }
    for (const Parameter& parameter : model_.parameters) {
      // An Identity that has not moved stays where its source has.
      if (parameter.origin != Parameter::Origin::kIdentity) continue;
      if (!changed_.contains(parameter.tensor) || replaced_.contains(parameter.name)) continue;
      STROP_ASSIGN_OR_RETURN(const Tensor original, ReadElements(bytes_, layout_, parameter.tensor,
                                                                 *model_.external_data));
      STROP_RETURN_IF_ERROR(ReplaceIdentity(parameter.name, original));
    }
    return absl::OkStatus();
  }

  void IndexIdentities(const onnx::GraphProto& graph) {
    for (int n = 0; n < graph.node_size(); ++n) {
      const onnx::NodeProto& node = graph.node(n);
      if (node.op_type() == "Identity" && node.output_size() == 1) identities_[node.output(0)] = n;
    }
  }

  // A tensor whose elements are one run of bytes in the model: nothing around them changes. It is
  // made again when it is written.
  struct InPlace {
    int tensor;
    DataType type;
    const TensorMaker* make;
  };

  // Calls `write(offset, elements)` for each.
  template <typename Write>
  absl::Status ForEachInPlace(const Write& write) const {
    for (const InPlace& patch : in_place_) {
      STROP_ASSIGN_OR_RETURN(const Tensor elements, Elements(*patch.make, patch.type));
      const TensorSpan& span = layout_.tensors[static_cast<size_t>(patch.tensor)];
      STROP_RETURN_IF_ERROR(write(span.field.payload_begin, RawBytes(elements)));
    }
    return absl::OkStatus();
  }

  absl::Status WriteInPlace(AtomicFile& file) const {
    STROP_RETURN_IF_ERROR(file.Append(bytes_));
    return ForEachInPlace([&file](size_t offset, std::string_view elements) {
      return file.WriteAt(offset, elements);
    });
  }

  absl::StatusOr<std::string> Spliced() {
    for (const InPlace& patch : in_place_) {
      STROP_ASSIGN_OR_RETURN(const Tensor elements, Elements(*patch.make, patch.type));
      STROP_ASSIGN_OR_RETURN(std::vector<Splice> splices,
                             ReplaceElements(bytes_, layout_, patch.tensor, elements));
      Add(std::move(splices));
    }
    return ApplySplices(bytes_, layout_, std::move(splices_));
  }

  absl::Status WriteSpliced(AtomicFile& file) {
    STROP_ASSIGN_OR_RETURN(const std::string bytes, Spliced());
    return file.Append(bytes);
  }

  static absl::StatusOr<Tensor> Elements(const TensorMaker& make, DataType type) {
    STROP_ASSIGN_OR_RETURN(const Tensor trained, make());
    return ConvertTensor(trained, type);
  }

  absl::Status Patch(const Parameter& parameter, const TensorMaker& make) {
    if (parameter.tensor < 0) {
      return absl::InternalError("the file has no tensor whose elements could be replaced");
    }
    STROP_ASSIGN_OR_RETURN(const onnx::TensorProto header,
                           ParseTensorHeader(bytes_, layout_, parameter.tensor));
    const Shape shape(header.dims().begin(), header.dims().end());
    STROP_ASSIGN_OR_RETURN(const Tensor trained, make());
    if (shape != trained.shape()) {
      return absl::InternalError(absl::StrCat("found shape ", ShapeName(trained.shape()),
                                              ", expected ", ShapeName(shape)));
    }
    STROP_ASSIGN_OR_RETURN(const DataType type, ElementType(header.data_type()));
    STROP_ASSIGN_OR_RETURN(Tensor elements, ConvertTensor(trained, type));
    STROP_ASSIGN_OR_RETURN(const bool is_unchanged,
                           HasElements(parameter.tensor, header, elements));
    if (is_unchanged) return absl::OkStatus();
    STROP_ASSIGN_OR_RETURN(elements, ConvertFinite(trained, type));
    if (parameter.origin == Parameter::Origin::kIdentity) {
      return ReplaceIdentity(parameter.name, elements);
    }
    changed_.insert(parameter.tensor);
    if (external_.Holds(parameter.tensor)) {
      external_.Replace(parameter.tensor, [&make, type] { return Elements(make, type); });
      return absl::OkStatus();
    }
    if (IsOneRun(parameter.tensor, elements.bytes())) {
      in_place_.push_back({parameter.tensor, type, &make});
      return absl::OkStatus();
    }
    STROP_ASSIGN_OR_RETURN(std::vector<Splice> splices,
                           ReplaceElements(bytes_, layout_, parameter.tensor, elements));
    Add(std::move(splices));
    return absl::OkStatus();
  }

  bool IsOneRun(int tensor, size_t length) const {
    const TensorSpan& span = layout_.tensors[static_cast<size_t>(tensor)];
    return span.payload != TensorSpan::Payload::kNone &&
           span.payload != TensorSpan::Payload::kScattered &&
           span.field.end - span.field.payload_begin == length;
  }

  // Whether the file's tensor has exactly these elements.
  absl::StatusOr<bool> HasElements(int tensor, const onnx::TensorProto& header,
                                   const Tensor& elements) {
    if (external_.Holds(tensor)) return external_.Original(tensor) == RawBytes(elements);
    const TensorSpan& span = layout_.tensors[static_cast<size_t>(tensor)];
    if (span.payload != TensorSpan::Payload::kNone &&
        span.payload != TensorSpan::Payload::kScattered) {
      const WireField& field = span.field;
      return bytes_.substr(field.payload_begin, field.end - field.payload_begin) ==
             RawBytes(elements);
    }
    TensorReader reader(bytes_, layout_, *model_.external_data);
    STROP_ASSIGN_OR_RETURN(const Tensor original, reader.Read(header));
    return RawBytes(original) == RawBytes(elements);
  }

  // The Identity of a constant whose elements have parted from it: an initializer of the same
  // name instead, or a Constant node where initializers have to be inputs.
  absl::Status ReplaceIdentity(const std::string& name, const Tensor& elements) {
    replaced_.insert(name);
    const auto found = identities_.find(name);
    if (found == identities_.end()) {
      return absl::InternalError("the model has no such Identity node");
    }
    const NodeSpan& span = layout_.nodes[static_cast<size_t>(found->second)];
    onnx::TensorProto tensor;
    tensor.set_name(name);
    tensor.set_data_type(static_cast<int>(elements.type()));
    for (const int64_t dimension : elements.shape()) tensor.add_dims(dimension);
    tensor.set_raw_data(std::string(RawBytes(elements)));
    if (model_.model->ir_version() >= kFreeInitializers) {
      const size_t end = layout_.messages[static_cast<size_t>(layout_.graph)].end;
      Add({{span.begin, span.end, "", layout_.graph},
           {end, end, EncodeLengthDelimited(kGraphInitializer, tensor.SerializeAsString()),
            layout_.graph}});
      return absl::OkStatus();
    }
    onnx::NodeProto constant = ConstantNode(std::move(tensor));
    constant.set_name(model_.model->graph().node(found->second).name());
    Add({{span.begin, span.end, EncodeLengthDelimited(kGraphNode, constant.SerializeAsString()),
          layout_.graph}});
    return absl::OkStatus();
  }

  void Add(std::vector<Splice> splices) {
    splices_.insert(splices_.end(), std::make_move_iterator(splices.begin()),
                    std::make_move_iterator(splices.end()));
  }

  const ImportedModel& model_;
  std::string_view bytes_;
  const ModelLayout& layout_;
  const std::string path_;
  ExternalExport external_;
  std::map<std::string, int> identities_;  // numbers of nodes by their output
  std::vector<Splice> splices_;
  std::vector<InPlace> in_place_;
  std::set<int> changed_;           // numbers of the tensors that get other elements
  std::set<std::string> replaced_;  // Identities
};

absl::Status CheckPath(const ImportedModel& model, const std::string& path) {
  std::error_code error;
  bool is_input = fs::equivalent(path, model.path, error);
  for (const auto& [name, file] : model.external_data->files()) is_input |= file->IsAt(path);
  if (is_input) {
    return absl::AlreadyExistsError(absl::StrCat(
        "output \"", path, "\" is the input itself, expected another name; choose one with -o"));
  }
  return CheckCanCreate(path);
}

absl::StatusOr<ExportNotes> Export(const ImportedModel& model,
                                   const std::map<std::string, TensorMaker>& trained,
                                   const std::string& path) {
  STROP_RETURN_IF_ERROR(CheckPath(model, path));
  STROP_ASSIGN_OR_RETURN(const std::shared_ptr<const std::string> bytes, model.file->Read());
  STROP_ASSIGN_OR_RETURN(const ModelLayout layout, ScanModel(*bytes));
  return Exporter(model, *bytes, layout, path).Export(trained);
}

// External data have no place beside a model in memory: it takes them in.
absl::StatusOr<std::string> SerializeWhole(const ImportedModel& model, const std::string& bytes,
                                           const ModelLayout& layout,
                                           const std::map<std::string, TensorMaker>& trained) {
  std::map<std::string, Tensor> tensors;
  for (const auto& [name, make] : trained) {
    STROP_ASSIGN_OR_RETURN(tensors[name], make());
  }
  STROP_RETURN_IF_ERROR(CheckFiniteElements(model, tensors));
  STROP_ASSIGN_OR_RETURN(const onnx::ModelProto whole,
                         BuildWholeModel(model, bytes, layout, tensors));
  STROP_RETURN_IF_ERROR(model.external_data->CheckUnchanged());
  return whole.SerializeAsString();
}

absl::StatusOr<std::string> Serialize(const ImportedModel& model,
                                      const std::map<std::string, TensorMaker>& trained) {
  STROP_ASSIGN_OR_RETURN(const std::shared_ptr<const std::string> bytes, model.file->Read());
  STROP_ASSIGN_OR_RETURN(const ModelLayout layout, ScanModel(*bytes));
  ExternalExport external(model, *bytes, layout, "");
  STROP_RETURN_IF_ERROR(external.Index());
  if (external.holds_any()) return SerializeWhole(model, *bytes, layout, trained);
  return Exporter(model, *bytes, layout, "").Serialize(trained);
}

// Also what no node reads: an export copies it.
absl::Status OpenExternalData(const ImportedModel& model) {
  STROP_ASSIGN_OR_RETURN(const std::shared_ptr<const std::string> bytes, model.file->Read());
  STROP_ASSIGN_OR_RETURN(const ModelLayout layout, ScanModel(*bytes));
  return ExternalExport(model, *bytes, layout, "").Index();
}

absl::Status InStage(const absl::Status& status) {
  return absl::Status(status.code(), absl::StrCat("export: ", status.message()));
}

}  // namespace

absl::Status CheckExportPath(const ImportedModel& model, const std::string& path) {
  absl::Status status = OpenExternalData(model);
  if (status.ok()) status = CheckPath(model, path);
  return status.ok() ? status : InStage(status);
}

absl::StatusOr<ExportNotes> CopyModel(const std::string& from, const std::string& to) {
  absl::StatusOr<std::shared_ptr<const ModelFile>> file = ModelFile::Open(from);
  if (!file.ok()) return InStage(file.status());
  ImportedModel model;
  model.path = from;
  model.external_data = std::make_shared<ExternalData>(**file);
  model.file = *std::move(file);
  return ExportModelInTurn(model, {}, to);
}

absl::StatusOr<ExportNotes> ExportModel(const ImportedModel& model,
                                        const std::map<std::string, Tensor>& trained,
                                        const std::string& path) {
  std::map<std::string, TensorMaker> makers;
  for (const auto& [name, tensor] : trained) {
    makers[name] = [tensor = tensor] { return absl::StatusOr<Tensor>(tensor); };
  }
  return ExportModelInTurn(model, makers, path);
}

absl::StatusOr<ExportNotes> ExportModelInTurn(const ImportedModel& model,
                                              const std::map<std::string, TensorMaker>& trained,
                                              const std::string& path) {
  absl::StatusOr<ExportNotes> notes = Export(model, trained, path);
  if (!notes.ok()) return InStage(notes.status());
  return notes;
}

absl::StatusOr<std::string> SerializeModelInTurn(
    const ImportedModel& model, const std::map<std::string, TensorMaker>& trained) {
  absl::StatusOr<std::string> bytes = Serialize(model, trained);
  if (!bytes.ok()) return InStage(bytes.status());
  return bytes;
}

}  // namespace strop
