#include "plugin/operations/operation.h"

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "importer/mapped_file.h"
#include "plugin/options/outcome.h"
#include "plugin/options/table/nearest_name.h"

namespace strop {
namespace {

absl::StatusOr<Operation> FindOperation(const std::string& name) {
  std::vector<std::string> names;
  for (Operation& operation : AllOperations()) {
    if (operation.name == name) return std::move(operation);
    names.push_back(operation.name);
  }
  return UsageError(absl::StrCat("unknown operation ", name, DidYouMean(name, names)));
}

}  // namespace

absl::StatusOr<nlohmann::ordered_json> Perform(const std::string& name, const OptionTexts& options,
                                               const OperationCallbacks& callbacks) {
  STROP_ASSIGN_OR_RETURN(const Operation operation, FindOperation(name));
  STROP_RETURN_IF_ERROR(GiveTexts(options, *operation.options));
  STROP_RETURN_IF_ERROR(CheckGivenPaths(*operation.options, operation.complete_paths));
  absl::StatusOr<nlohmann::ordered_json> found = operation.run(callbacks);
  if (absl::IsDataLoss(found.status())) return found;
  STROP_RETURN_IF_ERROR(CheckMappedFiles());
  return found;
}

}  // namespace strop
