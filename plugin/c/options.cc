#include "plugin/c/options.h"

#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "plugin/options/outcome.h"
#include "plugin/options/table/config_file.h"

namespace strop {
namespace {

// What the option was given, or what it stands for without a value.
absl::StatusOr<std::string> TextOf(const Option& option, const char* value) {
  if (value != nullptr) return std::string(value);
  if (option.is_switch()) return std::string("true");
  if (!option.value_when_bare.empty()) return option.value_when_bare;
  return UsageError(
      absl::StrCat(option.LongName(), ": found no value, expected ", option.ShownValue()));
}

}  // namespace

absl::Status GiveOptions(const strop_option* options, size_t count, OptionSet& set) {
  if (count > 0 && options == nullptr) {
    return UsageError(absl::StrCat("call: found NULL as \"options\", expected ", count,
                                   count == 1 ? " option" : " options"));
  }
  std::vector<std::string> names;  // in the order of their first texts
  std::map<std::string, std::vector<std::string>> texts;
  for (size_t i = 0; i < count; ++i) {
    if (options[i].name == nullptr) {
      return UsageError(
          absl::StrCat("call: options[", i, "]: found NULL as its name, expected a name"));
    }
    const Option* option = set.Find(options[i].name);
    if (option == nullptr) return set.Give(options[i].name, {});  // says what it could have been
    STROP_ASSIGN_OR_RETURN(std::string text, TextOf(*option, options[i].value));
    std::vector<std::string>& given = texts[option->name];
    if (given.empty()) names.push_back(option->name);
    given.push_back(std::move(text));
  }
  for (const std::string& name : names) STROP_RETURN_IF_ERROR(set.Give(name, texts[name]));
  const Option* config = set.Find("config");
  if (config == nullptr || !config->is_given()) return absl::OkStatus();
  return ReadConfig(config->given.front(), set);
}

}  // namespace strop
