#include "plugin/options/table/option_texts.h"

#include <map>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "plugin/options/outcome.h"
#include "plugin/options/table/config_file.h"

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
  std::vector<std::string> names;  // in the order of their first texts
  std::map<std::string, std::vector<std::string>> given;
  for (const auto& [name, values] : texts) {
    const Option* option = options.Find(name);
    if (option == nullptr) return options.Give(name, {});  // says what it could have been
    std::vector<std::string>& all = given[option->name];
    if (all.empty()) names.push_back(option->name);
    all.insert(all.end(), values.begin(), values.end());
    if (!values.empty()) continue;
    STROP_ASSIGN_OR_RETURN(all.emplace_back(), TextAlone(*option));
  }
  for (const std::string& name : names) {
    STROP_RETURN_IF_ERROR(options.Give(name, given[name]));
  }
  const Option* config = options.Find("config");
  if (config != nullptr && config->is_given()) {
    STROP_RETURN_IF_ERROR(ReadConfig(config->given.front(), options));
  }
  STROP_RETURN_IF_ERROR(options.CheckTogether());
  return options.CheckSuits();
}

}  // namespace strop
