#include "importer/importer.h"

#include <onnx/onnx_pb.h>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "importer/graph_builder.h"
#include "importer/model_layout.h"
#include "importer/parameters/parameter_choice.h"
#include "importer/tensor_conversion.h"

namespace strop {
namespace {

constexpr int64_t kNewestIrVersion = 14;

absl::Status CheckHeader(const onnx::ModelProto& model) {
  if (model.ir_version() < 1 || model.ir_version() > kNewestIrVersion) {
    return absl::InvalidArgumentError(
        absl::StrCat("found IR version ", model.ir_version(), ", expected 1 to ", kNewestIrVersion,
                     "; check that the file is an ONNX model, or export it again"));
  }
  return absl::OkStatus();
}

absl::StatusOr<ImportedModel> Import(std::shared_ptr<const ModelFile> file,
                                     const ImportOptions& options) {
  STROP_ASSIGN_OR_RETURN(const std::shared_ptr<const std::string> bytes, file->Read());
  if (bytes->empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", file->path(), "\" is empty, expected an ONNX model"));
  }
  STROP_ASSIGN_OR_RETURN(const ModelLayout layout, ScanModel(*bytes));
  ImportedModel imported;
  STROP_ASSIGN_OR_RETURN(imported.model, ParseWithoutWeights(*bytes, layout));
  STROP_RETURN_IF_ERROR(CheckHeader(*imported.model));
  imported.path = file->path();
  imported.external_data = std::make_shared<ExternalData>(*file);
  imported.file = std::move(file);

  TensorReader tensors(*bytes, layout, *imported.external_data);
  GraphBuilder builder(*imported.model, tensors, options.widening);
  STROP_ASSIGN_OR_RETURN(BuiltGraph built, builder.Build());
  imported.graph = std::move(built.graph);
  imported.calls = std::move(built.calls);
  imported.is_widened = builder.is_widened();
  STROP_ASSIGN_OR_RETURN(imported.parameters,
                         ChooseParameters(imported.graph, built.constants, options.selection));
  STROP_RETURN_IF_ERROR(VerifyGraph(imported.graph));
  STROP_RETURN_IF_ERROR(CheckMappedFiles());
  return imported;
}

absl::Status InStage(const absl::Status& status) {
  absl::Status staged(status.code(), absl::StrCat("import: ", status.message()));
  status.ForEachPayload([&staged](absl::string_view name, const absl::Cord& payload) {
    staged.SetPayload(name, payload);
  });
  return staged;
}

}  // namespace

absl::StatusOr<ImportedModel> ImportModel(const std::string& path, const ImportOptions& options) {
  absl::StatusOr<std::shared_ptr<const ModelFile>> file = ModelFile::Open(path);
  if (!file.ok()) return InStage(file.status());
  return ImportModel(*std::move(file), options);
}

absl::StatusOr<ImportedModel> ImportModel(std::shared_ptr<const ModelFile> file,
                                          const ImportOptions& options) {
  absl::StatusOr<ImportedModel> imported = Import(std::move(file), options);
  if (!imported.ok()) return InStage(imported.status());
  return imported;
}

}  // namespace strop
