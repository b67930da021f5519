#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "graph/tensor.h"
#include "importer/importer.h"
#include "importer/model_file.h"
#include "plugin/data/arrays/npz.h"
#include "plugin/engine/plan/plan_options.h"
#include "plugin/options/listener.h"
#include "plugin/options/table/option_set.h"

namespace strop {

// Options that several commands share: the model, and how it is computed.
struct ModelOptions {
  std::string path;
  std::shared_ptr<const ModelFile> file;  // in place of the path, where it is not null
  ParameterSelection selection;
  std::string precision = "f32";
  bool keeps_half_types = false;  // for inference; whatever takes gradients widens them
  uint64_t seed = 0;
  int64_t head_classes = 0;                // outputs of a new head; 0: the model keeps its own
  std::string head_at;                     // the tensor that it reads; empty: see ReplaceHead
  bool folds_batch_normalization = false;  // into the layers before, see FoldBatchNormalization
  PlanOptions plan;  // of every graph that is made of the model, --threads too
  Listener listener;
};

// How many threads there may be.
inline constexpr NumberRange kThreads = {.least = 1, .most = 4096};

void AddModelArgument(OptionSet& options, ModelOptions& model);
void AddPrecisionOption(OptionSet& options, ModelOptions& model);
void AddThreadsOption(OptionSet& options, ModelOptions& model);
void AddSeedOption(OptionSet& options, ModelOptions& model);
void AddDisablePassOption(OptionSet& options, ModelOptions& model);
void AddSelectionOptions(OptionSet& options, ModelOptions& model);
void AddReplaceHeadOption(OptionSet& options, ModelOptions& model);

// The types that a model of these options computes in.
Widening WideningOf(const ModelOptions& options);

// Reads the model, with a new head and with BatchNormalizations folded where that is asked for; the
// listener is told how many were.
absl::StatusOr<ImportedModel> LoadModel(const ModelOptions& options);

// The graph's inputs, in their order, out of arrays by name, converted to the element types that
// the graph takes. InvalidArgument when one is missing, or an array names no input.
absl::StatusOr<std::vector<Tensor>> FeedsByName(const Graph& graph,
                                                const std::vector<NamedTensor>& arrays,
                                                const std::string& origin);

// "name=1,3,224,224" by name. InvalidArgument when one cannot be read.
absl::StatusOr<std::map<std::string, Shape>> ParseShapes(const std::vector<std::string>& texts);

// Random tensors for the graph's inputs, the same for the same seed: standard normal numbers;
// integers that index the table that a Gather reads by them, 0 and 1 for others. `shapes` replaces
// declared shapes by name; other unknown dimensions are `unknown`.
absl::StatusOr<std::vector<Tensor>> RandomFeeds(const Graph& graph,
                                                const std::map<std::string, Shape>& shapes,
                                                int64_t unknown, uint64_t seed);

}  // namespace strop
