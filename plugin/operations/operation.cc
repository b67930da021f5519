#include "plugin/operations/operation.h"

#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "importer/mapped_file.h"
#include "plugin/options/outcome.h"
#include "plugin/options/table/config_file.h"
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

// What an option is given without a text.
absl::StatusOr<std::string> BareText(const Option& option) {
  if (option.is_switch()) return "true";
  if (!option.value_when_bare.empty()) return option.value_when_bare;
  return UsageError(absl::StrCat(option.LongName(), ": found no value, expected one"));
}

// Gives each option all its texts at once, in the order of the set, as a command line does.
absl::Status GiveAll(const std::vector<GivenTexts>& given, OptionSet& options) {
  std::map<const Option*, std::vector<std::string>> texts;
  for (const auto& [name, typed] : given) {
    const Option* option = options.Find(name);
    if (option == nullptr || option->is_hidden) {
      return UsageError(absl::StrCat("unknown option ", name, DidYouMean(name, options.Names())));
    }
    std::vector<std::string>& all = texts[option];
    all.insert(all.end(), typed.begin(), typed.end());
    if (!typed.empty()) continue;
    STROP_ASSIGN_OR_RETURN(all.emplace_back(), BareText(*option));
  }
  for (const Option& option : options.options()) {
    STROP_RETURN_IF_ERROR(options.Give(option.name, texts[&option]));
  }
  STROP_RETURN_IF_ERROR(ReadGivenConfig(options));
  STROP_RETURN_IF_ERROR(options.CheckTogether());
  return options.CheckSuits();
}

}  // namespace

absl::StatusOr<nlohmann::ordered_json> Perform(const std::string& name,
                                               const std::vector<GivenTexts>& options,
                                               const OperationCallbacks& callbacks) {
  STROP_ASSIGN_OR_RETURN(const Operation operation, FindOperation(name));
  STROP_RETURN_IF_ERROR(GiveAll(options, *operation.options));
  STROP_RETURN_IF_ERROR(CheckGivenPaths(*operation.options, operation.complete_paths));
  absl::StatusOr<nlohmann::ordered_json> found = operation.run(callbacks);
  if (absl::IsDataLoss(found.status())) return found;
  STROP_RETURN_IF_ERROR(CheckMappedFiles());
  return found;
}

}  // namespace strop
