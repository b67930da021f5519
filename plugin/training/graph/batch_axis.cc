#include "plugin/training/graph/batch_axis.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "importer/dimension_names.h"

namespace strop {
namespace {

// As people and exporters call it: batch, batch_size, Batch.
bool NamesBatch(const std::string& name) {
  return absl::StrContains(absl::AsciiStrToLower(name), "batch");
}

}  // namespace

absl::Status CheckBatchAxis(const ImportedModel& model) {
  for (const ValueId input : model.graph.inputs) {
    const std::string& name = model.graph.value(input).name;
    const std::vector<std::string> dimensions = DimensionNames(model, name);
    const auto named = std::find_if(dimensions.begin(), dimensions.end(), NamesBatch);
    if (named == dimensions.end() || named == dimensions.begin()) continue;
    return absl::InvalidArgumentError(absl::StrCat("train: axis ", named - dimensions.begin(),
                                                   " of input \"", name, "\" is its batch, \"",
                                                   *named, "\" in the file", kBatchFirst));
  }
  return absl::OkStatus();
}

}  // namespace strop
