#include "plugin/training/graph/peft_adapter.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "exporter/atomic_file.h"
#include "graph/graph_index.h"
#include "graph/status_macros.h"
#include "ops/core/registry.h"
#include "plugin/data/arrays/safetensors.h"

namespace strop {
namespace {

using Json = nlohmann::ordered_json;

constexpr char kPrefix[] = "base_model.model.";
constexpr char kWeightsFile[] = "adapter_model.safetensors";
constexpr char kConfigFile[] = "adapter_config.json";

absl::Status Refuse(const std::string& what) {
  return absl::InvalidArgumentError("export: peft: " + what + "; use --lora-export merged");
}

// "encoder.query" of "encoder.query.weight".
std::optional<std::string> ModuleOf(std::string_view tensor, std::string_view suffix) {
  if (!tensor.ends_with(suffix) || tensor.size() == suffix.size()) return std::nullopt;
  return std::string(tensor.substr(0, tensor.size() - suffix.size()));
}

// TorchScript's exporter names a node by the modules that it stands in. A Sequential's child
// repeats its parent: "/layers/layers.0/query/MatMul" is in "layers.0.query".
std::optional<std::string> ModuleOfScope(const std::string& node_name) {
  std::vector<std::string> parts = absl::StrSplit(node_name, '/');
  if (parts.size() < 3 || !parts[0].empty()) return std::nullopt;
  parts.erase(parts.begin());
  parts.pop_back();
  std::vector<std::string> modules;
  for (const std::string& part : parts) {
    if (!modules.empty() && part.starts_with(modules.back() + ".")) modules.pop_back();
    modules.push_back(part);
  }
  return absl::StrJoin(modules, ".");
}

std::string EscapedForRegex(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    if (std::string_view(R"(.^$*+?()[{\|)").find(c) != std::string_view::npos) escaped += '\\';
    escaped += c;
  }
  return escaped;
}

class PeftNaming {
 public:
  PeftNaming(const ImportedModel& model, const std::vector<LoraAdapter>& adapters)
      : model_(model), graph_(model.graph), index_(graph_), adapters_(adapters) {
    for (const Node& node : graph_.nodes) {
      nodes_.emplace(node.name, &node);
      if (!node.outputs.empty() && node.outputs[0] != kNoValue) {
        results_.emplace(graph_.value(node.outputs[0]).name, node.outputs[0]);
      }
    }
    for (const LoraAdapter& adapter : adapters) {
      adapter_tensors_.insert(adapter.a);
      adapter_tensors_.insert(adapter.b);
    }
  }

  absl::StatusOr<PeftAdapter> Describe(const LoraOptions& options) {
    STROP_RETURN_IF_ERROR(AddAdapters());
    STROP_RETURN_IF_ERROR(AddWholeModules());
    result_.config = Config(options).dump(2) + "\n";
    return std::move(result_);
  }

 private:
  absl::Status AddAdapters() {
    for (const LoraAdapter& adapter : adapters_) {
      const Node* layer = nodes_.at(adapter.nodes[0]);
      if (adapter.layer.gain != 1) {
        return Refuse(absl::StrCat(NodeLabel(*layer), " has an alpha of ", adapter.layer.gain,
                                   ", expected 1"));
      }
      const std::vector<int64_t> dilations = layer->attributes.Ints("dilations");
      if (std::any_of(dilations.begin(), dilations.end(), [](int64_t d) { return d != 1; })) {
        return Refuse(absl::StrCat(NodeLabel(*layer),
                                   " is dilated, and PEFT's adapters of convolutions are not"));
      }
      const std::optional<std::string> module = ModuleOfLayer(adapter, *layer);
      if (!module) {
        return Refuse(absl::StrCat("no name tells the PyTorch module of \"", adapter.parameter,
                                   "\" (", NodeLabel(*layer),
                                   "); export the model with torch.onnx.export and "
                                   "do_constant_folding=False"));
      }
      if (!modules_.insert(*module).second) {
        return Refuse(absl::StrCat("two adapters belong to the module \"", *module, "\""));
      }
      result_.tensors[adapter.a] = absl::StrCat(kPrefix, *module, ".lora_A.weight");
      result_.tensors[adapter.b] = absl::StrCat(kPrefix, *module, ".lora_B.weight");
    }
    return absl::OkStatus();
  }

  std::optional<std::string> ModuleOfLayer(const LoraAdapter& adapter, const Node& layer) const {
    if (const auto module = ModuleOf(adapter.parameter, ".weight")) return module;
    if (const auto module = ModuleOfBias(adapter, layer)) return module;
    return ModuleOfScope(layer.name);
  }

  std::optional<std::string> ModuleOfBias(const LoraAdapter& adapter, const Node& layer) const {
    if (layer.inputs.size() > 2 && layer.inputs[2] != kNoValue) {
      return ModuleOf(graph_.value(layer.inputs[2]).name, ".bias");
    }
    const ValueId sum = results_.at(adapter.outputs[0]);
    for (const auto& [position, side] : index_.readers(sum)) {
      const Node& node = graph_.nodes[position];
      if (FactsOf(node).combination != Combination::kSum) continue;
      return ModuleOf(graph_.value(node.inputs[1 - side]).name, ".bias");
    }
    return std::nullopt;
  }

  // Modules of which a tensor is trained whole: PEFT's modules_to_save, with all their tensors.
  absl::Status AddWholeModules() {
    for (const Parameter& parameter : model_.parameters) {
      if (parameter.role != Parameter::Role::kTrained) continue;
      if (adapter_tensors_.contains(parameter.name)) continue;
      const size_t dot = parameter.name.rfind('.');
      if (dot == std::string::npos || dot == 0 || parameter.name.find("::") != std::string::npos) {
        return Refuse(absl::StrCat("\"", parameter.name,
                                   "\" is trained whole and has no name of a PyTorch module"));
      }
      saved_.insert(parameter.name.substr(0, dot));
    }
    for (const Parameter& parameter : model_.parameters) {
      const size_t dot = parameter.name.rfind('.');
      if (dot == std::string::npos || adapter_tensors_.contains(parameter.name)) continue;
      if (!saved_.contains(parameter.name.substr(0, dot))) continue;
      result_.tensors[parameter.name] = absl::StrCat(kPrefix, parameter.name);
    }
    return absl::OkStatus();
  }

  // Names as a list, as people write it, where PEFT's rule (a module whose name is one of them, or
  // ends in "." and one of them) finds no other module; else a pattern of the whole names.
  Json TargetModules() const {
    std::set<std::string> others = saved_;
    for (const Parameter& parameter : model_.parameters) {
      const auto module = ModuleOf(parameter.name, ".weight");
      if (module && !modules_.contains(*module)) others.insert(*module);
    }
    const bool is_ambiguous =
        std::any_of(modules_.begin(), modules_.end(), [&](const auto& module) {
          return std::any_of(others.begin(), others.end(), [&](const std::string& other) {
            return other.ends_with("." + module);
          });
        });
    if (!is_ambiguous) return modules_;
    const auto escape = [](std::string* out, const std::string& module) {
      out->append(EscapedForRegex(module));
    };
    return absl::StrCat("(", absl::StrJoin(modules_, "|", escape), ")");
  }

  Json Config(const LoraOptions& options) const {
    Json alpha = options.alpha;
    if (options.alpha == static_cast<double>(static_cast<int64_t>(options.alpha))) {
      alpha = static_cast<int64_t>(options.alpha);  // PEFT's is a whole number
    }
    return {{"peft_type", "LORA"},
            {"task_type", nullptr},
            {"base_model_name_or_path", nullptr},
            {"r", options.rank},
            {"lora_alpha", alpha},
            {"lora_dropout", options.dropout},
            {"use_rslora", options.rank_stabilized},
            {"target_modules", TargetModules()},
            {"modules_to_save", saved_.empty() ? Json() : Json(saved_)},
            {"bias", "none"},
            {"fan_in_fan_out", false},
            {"init_lora_weights", true},
            {"inference_mode", true}};
  }

  const ImportedModel& model_;
  const Graph& graph_;
  const GraphIndex index_;
  const std::vector<LoraAdapter>& adapters_;
  std::map<std::string, const Node*> nodes_;  // by name
  std::map<std::string, ValueId> results_;    // first outputs of nodes, by name
  std::set<std::string> adapter_tensors_;
  std::set<std::string> modules_;  // with adapters
  std::set<std::string> saved_;    // trained whole
  PeftAdapter result_;
};

}  // namespace

absl::StatusOr<PeftAdapter> DescribeForPeft(const ImportedModel& model,
                                            const std::vector<LoraAdapter>& adapters,
                                            const LoraOptions& options) {
  return PeftNaming(model, adapters).Describe(options);
}

absl::Status CheckPeftFolder(const std::string& folder) {
  namespace fs = std::filesystem;
  std::error_code error;
  if (fs::is_directory(folder, error)) return CheckCanCreate(folder + "/" + kWeightsFile);
  if (fs::exists(folder, error)) {
    return absl::AlreadyExistsError(absl::StrCat(
        "export: peft: \"", folder, "\" is a file, expected a folder; choose another with -o"));
  }
  return CheckCanCreate(folder);
}

absl::Status WritePeft(const PeftAdapter& adapter, const std::map<std::string, Tensor>& tensors,
                       const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) {
    return absl::PermissionDeniedError(
        absl::StrCat("export: cannot make the folder \"", folder, "\": ", error.message()));
  }
  std::vector<NamedTensor> named;
  for (const auto& [ours, theirs] : adapter.tensors) {
    const auto found = tensors.find(ours);
    if (found == tensors.end()) {
      return absl::InternalError(absl::StrCat("export: peft: tensor \"", ours, "\" is missing"));
    }
    named.push_back({theirs, found->second});
  }
  STROP_RETURN_IF_ERROR(WriteSafetensors(folder + "/" + kWeightsFile, named, {{"format", "pt"}}));
  STROP_ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::Create(folder + "/" + kConfigFile));
  STROP_RETURN_IF_ERROR(file.Append(adapter.config));
  STROP_RETURN_IF_ERROR(file.Flush());
  return file.Commit();
}

}  // namespace strop
