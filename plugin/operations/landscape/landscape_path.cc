#include "plugin/operations/landscape/landscape_path.h"

#include <algorithm>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "plugin/data/arrays/safetensors.h"

namespace strop {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kStatePrefix = "state/";  // of a checkpoint's tensors

absl::StatusOr<std::map<std::string, Tensor>> TensorsOf(const std::string& file,
                                                        const ModelOptions& options) {
  std::map<std::string, Tensor> tensors;
  if (file.ends_with(".safetensors")) {
    STROP_ASSIGN_OR_RETURN(const SafetensorsContents contents, ReadSafetensors(file));
    for (const NamedTensor& named : contents.tensors) {
      const bool is_state = named.name.starts_with(kStatePrefix);
      tensors[is_state ? named.name.substr(kStatePrefix.size()) : named.name] = named.tensor;
    }
    return tensors;
  }
  ImportOptions import;
  import.widening = WideningOf(options);
  STROP_ASSIGN_OR_RETURN(const ImportedModel model, ImportModel(file, import));
  for (const Parameter& parameter : model.parameters) {
    const Value& value = model.graph.value(parameter.value);
    tensors[value.name] = value.tensor;
  }
  return tensors;
}

}  // namespace

absl::StatusOr<TrainingPath> ReadPath(const std::string& name,
                                      const std::vector<std::string>& files,
                                      const ImportedModel& model, const ModelOptions& options) {
  TrainingPath path;
  path.name = name;
  for (const std::string& file : files) {
    STROP_ASSIGN_OR_RETURN(const auto tensors, TensorsOf(file, options));
    TrainingPath::Point point;
    point.label = fs::path(file).stem().string();
    for (const Parameter& parameter : model.parameters) {
      const Value& value = model.graph.value(parameter.value);
      if (value.kind != ValueKind::kState) continue;
      const bool is_trained = parameter.role == Parameter::Role::kTrained;
      const auto found = tensors.find(value.name);
      if (found == tensors.end() && !is_trained) continue;
      if (found == tensors.end() || found->second.shape() != value.tensor.shape() ||
          found->second.type() != value.tensor.type()) {
        return absl::InvalidArgumentError(absl::StrCat(
            "landscape: \"", file, "\": found no tensor \"", value.name, "\" of ",
            TypeName(value.type), ", expected the weights of the same model at another time"));
      }
      point.states[value.name] = found->second;
      if (is_trained) point.weights[value.name] = found->second;
    }
    path.points.push_back(std::move(point));
  }
  return path;
}

absl::StatusOr<std::vector<std::string>> CheckpointsOfRun(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code error;
  for (const fs::directory_entry& entry :
       fs::directory_iterator(fs::path(folder) / "checkpoints", error)) {
    if (entry.path().extension() == ".safetensors") files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());
  if (!files.empty()) return files;
  return absl::NotFoundError(
      absl::StrCat("landscape: run folder \"", folder,
                   "\": found no checkpoints/*.safetensors, expected those of a strop train with "
                   "--run-directory and checkpoints kept"));
}

}  // namespace strop
