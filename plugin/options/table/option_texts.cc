#include "plugin/options/table/option_texts.h"

#include <map>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "plugin/options/outcome.h"
#include "plugin/options/table/config_file.h"
#include "plugin/options/table/nearest_name.h"

namespace strop {
namespace {

// What the option stands for without a text.
absl::StatusOr<std::string> TextAlone(const Option& option) {
  if (option.is_switch()) return std::string("true");
  if (!option.value_when_bare.empty()) return option.value_when_bare;
  return UsageError(
      absl::StrCat(option.LongName(), ": found no value, expected ", option.ShownValue()));
}

}  // namespace

absl::Status GiveTexts(const OptionTexts& texts, OptionSet& options) {
  std::map<const Option*, std::vector<std::string>> given;  // to each all its texts at once
  for (const auto& [name, values] : texts) {
    const Option* option = options.Find(name);
    if (option == nullptr || option->is_hidden) {
      return UsageError(absl::StrCat("unknown option ", name, DidYouMean(name, options.Names())));
    }
    std::vector<std::string>& all = given[option];
    all.insert(all.end(), values.begin(), values.end());
    if (!values.empty()) continue;
    STROP_ASSIGN_OR_RETURN(all.emplace_back(), TextAlone(*option));
  }
  for (const Option& option : options.options()) {
    STROP_RETURN_IF_ERROR(options.Give(option.name, given[&option]));
  }
  STROP_RETURN_IF_ERROR(ReadGivenConfig(options));
  STROP_RETURN_IF_ERROR(options.CheckTogether());
  return options.CheckSuits();
}

}  // namespace strop
