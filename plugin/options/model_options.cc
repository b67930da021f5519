#include "plugin/options/model_options.h"

#include <algorithm>
#include <random>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "exporter/fold_batch_normalization.h"
#include "exporter/replace_head.h"
#include "graph/status_macros.h"
#include "ops/core/registry.h"
#include "plugin/data/arrays/number_conversion.h"
#include "plugin/engine/passes/passes.h"
#include "plugin/options/outcome.h"
#include "plugin/options/table/nearest_name.h"
#include "plugin/options/table/path_role.h"

namespace strop {

void AddModelArgument(OptionSet& options, ModelOptions& model) {
  options.Add({{.name = "MODEL",
                .target = &model.path,
                .path = PathRole::kModel,
                .is_required = true,
                .is_common = true,
                .may_change_on_resume = true,
                .is_set_by_tuner = true,
                .comparison = Comparison::kInput,
                .help = "The ONNX file"}});
}

void AddPrecisionOption(OptionSet& options, ModelOptions& model) {
  options.Add("Engine",
              {{.name = "precision",
                .target = &model.precision,
                .choices = {"f32", "f64"},
                .has_default = true,
                .help = "f32: as the file says, but half types in float wherever gradients are "
                        "taken; f64: everything in double"}});
}

void AddThreadsOption(OptionSet& options, ModelOptions& model) {
  options.Add("Engine", {{.name = "threads",
                          .target = &model.plan.threads,
                          .range = kThreads,
                          .may_change_on_resume = true,
                          .is_set_by_tuner = true,
                          .comparison = Comparison::kNever,
                          .help = "Threads that compute; by default one per core"}});
}

void AddSeedOption(OptionSet& options, ModelOptions& model) {
  options.Add("Engine", {{.name = "seed",
                          .target = &model.seed,
                          .has_default = true,
                          .is_common = true,
                          .comparison = Comparison::kAlways,
                          .help = "Of everything random; the same seed gives the same bits"}});
}

void AddDisablePassOption(OptionSet& options, ModelOptions& model) {
  options.Add("Engine", {{.name = "disable-pass",
                          .target = &model.plan.disabled_passes,
                          .choices = OptionalPassNames(),
                          .help = "Leave out rewrites of the graph that keep what it computes"}});
}

void AddSelectionOptions(OptionSet& options, ModelOptions& model) {
  options.Add("What is trained",
              {{.name = "train",
                .target = &model.selection.train,
                .value_name = "PATTERN",
                .help = "Train tensors whose names match PATTERN (* and ?), too"},
               {.name = "train-only",
                .target = &model.selection.train_only,
                .value_name = "PATTERN",
                .help = "Train nothing but tensors whose names match PATTERN"},
               {.name = "freeze",
                .target = &model.selection.freeze,
                .value_name = "PATTERN",
                .is_common = true,
                .help = "Leave tensors whose names match PATTERN as they are"}});
}

void AddReplaceHeadOption(OptionSet& options, ModelOptions& model) {
  options.Add(
      "What is trained",
      {{.name = "replace-head",
        .target = &model.head_classes,
        .value_name = "CLASSES",
        .range = {.least = 1, .most = double{1LL << 31}},
        .is_common = true,
        .help = "Give the model a classifier of CLASSES outputs, freshly initialized from the "
                "seed"},
       {.name = "head-at",
        .target = &model.head_at,
        .value_name = "TENSOR",
        .help = "Put --replace-head's layer behind this tensor, by default in the place of the "
                "last Gemm or MatMul, or behind the output where something else comes last"}});
}

namespace {

absl::StatusOr<std::shared_ptr<const ModelFile>> Folded(std::shared_ptr<const ModelFile> file,
                                                        const Listener& listener) {
  STROP_ASSIGN_OR_RETURN(FoldedModel model, FoldBatchNormalization(std::move(file)));
  if (model.folded > 0) {
    listener.note(absl::StrCat(model.folded, " BatchNormalization",
                               model.folded == 1 ? " is" : "s are", " folded into the layer before",
                               model.kept == 0 ? "" : absl::StrCat(", ", model.kept, " stay")));
  }
  return std::move(model.file);
}

}  // namespace

Widening WideningOf(const ModelOptions& options) {
  if (options.precision == "f64") return Widening::kToDouble;
  return options.keeps_half_types ? Widening::kNone : Widening::kHalfToFloat;
}

absl::StatusOr<ImportedModel> LoadModel(const ModelOptions& options) {
  ImportOptions import;
  import.selection = options.selection;
  import.widening = WideningOf(options);
  if (!options.head_at.empty() && options.head_classes == 0) {
    return UsageError("--head-at goes with --replace-head, which says how many outputs");
  }
  const bool stays_as_it_is = options.head_classes == 0 && !options.folds_batch_normalization;
  if (stays_as_it_is && options.file == nullptr) return ImportModel(options.path, import);
  NewHead head;
  head.file = options.file;
  if (head.file == nullptr) {
    STROP_ASSIGN_OR_RETURN(head.file, ModelFile::Open(options.path));
  }
  if (options.head_classes > 0) {  // before the folding, which makes other layers the last ones
    STROP_ASSIGN_OR_RETURN(
        head, ReplaceHead(*head.file, {options.head_classes, options.head_at, options.seed}));
    options.listener.TellNote(head.note);
  }
  if (options.folds_batch_normalization) {
    STROP_ASSIGN_OR_RETURN(head.file, Folded(std::move(head.file), options.listener));
  }
  STROP_ASSIGN_OR_RETURN(ImportedModel model, ImportModel(std::move(head.file), import));
  const std::vector<int> fresh = NumbersOf(head.constants, *model.model);
  for (Parameter& parameter : model.parameters) {
    parameter.is_new = std::count(fresh.begin(), fresh.end(), parameter.tensor) > 0;
  }
  return model;
}

absl::StatusOr<std::vector<Tensor>> FeedsByName(const Graph& graph,
                                                const std::vector<NamedTensor>& arrays,
                                                const std::string& origin) {
  std::vector<std::string> names;
  for (const ValueId id : graph.inputs) names.push_back(graph.value(id).name);
  for (const NamedTensor& array : arrays) {
    if (std::find(names.begin(), names.end(), array.name) != names.end()) continue;
    return absl::InvalidArgumentError(absl::StrCat("data: \"", origin, "\": array \"", array.name,
                                                   "\" is no input of the model; its inputs are ",
                                                   absl::StrJoin(names, ", ")));
  }
  std::vector<Tensor> feeds;
  for (const ValueId id : graph.inputs) {
    const Value& value = graph.value(id);
    const auto array =
        std::find_if(arrays.begin(), arrays.end(),
                     [&](const NamedTensor& candidate) { return candidate.name == value.name; });
    if (array == arrays.end()) {
      return absl::InvalidArgumentError(
          absl::StrCat("data: \"", origin, "\": found no array \"", value.name,
                       "\", expected one for every input (", absl::StrJoin(names, ", "), ")"));
    }
    STROP_ASSIGN_OR_RETURN(
        Tensor feed, ConvertExactly(array->tensor, value.type.element_type,
                                    absl::StrCat("data: \"", origin, "\", \"", value.name, "\"")));
    feeds.push_back(std::move(feed));
  }
  return feeds;
}

absl::StatusOr<std::map<std::string, Shape>> ParseShapes(const std::vector<std::string>& texts) {
  std::map<std::string, Shape> shapes;
  for (const std::string& text : texts) {
    const size_t equals = text.rfind('=');
    const absl::Status malformed =
        UsageError(absl::StrCat("--shape ", text, ": expected NAME=1,3,224,224"));
    if (equals == std::string::npos || equals == 0) return malformed;
    Shape& shape = shapes[text.substr(0, equals)];
    for (const auto& part : absl::StrSplit(text.substr(equals + 1), ',', absl::SkipEmpty())) {
      int64_t dimension = 0;
      if (!absl::SimpleAtoi(part, &dimension) || dimension < 0) return malformed;
      shape.push_back(dimension);
    }
  }
  return shapes;
}

namespace {

// Rows of the smallest table that this input indexes; 2 where there is none.
int64_t IndexRange(const Graph& graph, ValueId input) {
  int64_t range = 0;
  for (const Node& node : graph.nodes) {
    const OpDefinition& op = FactsOf(node);
    if (op.index_range == nullptr) continue;
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      const int64_t rows = node.inputs[i] == input ? op.index_range(graph, node, i) : 0;
      if (rows > 0) range = range == 0 ? rows : std::min(range, rows);
    }
  }
  return range == 0 ? 2 : range;
}

}  // namespace

absl::StatusOr<std::vector<Tensor>> RandomFeeds(const Graph& graph,
                                                const std::map<std::string, Shape>& shapes,
                                                int64_t unknown, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal;
  for (const auto& [name, shape] : shapes) {
    const auto is_named = [&, &name = name](ValueId id) { return graph.value(id).name == name; };
    if (std::none_of(graph.inputs.begin(), graph.inputs.end(), is_named)) {
      return UsageError(absl::StrCat("--shape ", name, ": the model has no input of that name"));
    }
  }
  std::vector<Tensor> feeds;
  for (const ValueId id : graph.inputs) {
    const Value& value = graph.value(id);
    const auto given = shapes.find(value.name);
    if (given == shapes.end() && !value.type.shape) {
      return UsageError(absl::StrCat("input \"", value.name, "\" declares no shape; give --shape ",
                                     value.name, "=…"));
    }
    Shape shape = given != shapes.end() ? given->second : *value.type.shape;
    std::replace(shape.begin(), shape.end(), kUnknownDimension, unknown);
    STROP_RETURN_IF_ERROR(CheckedElementCount(shape).status());
    std::vector<double> numbers(static_cast<size_t>(ElementCount(shape)));
    const bool is_floating = IsFloating(value.type.element_type);
    const uint64_t range = static_cast<uint64_t>(IndexRange(graph, id));
    for (double& number : numbers) {
      number = is_floating ? normal(random) : static_cast<double>(random() % range);
    }
    STROP_ASSIGN_OR_RETURN(
        Tensor feed, ConvertTensor(Tensor::FromVector(shape, numbers), value.type.element_type));
    feeds.push_back(std::move(feed));
  }
  return feeds;
}

}  // namespace strop
