#include "plugin/options/table/config_file.h"

#include <toml++/toml.h>

#include <fstream>
#include <map>
#include <sstream>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "graph/status_macros.h"
#include "plugin/options/outcome.h"
#include "plugin/options/table/nearest_name.h"
#include "plugin/options/table/toml_value.h"

namespace strop {
namespace {

constexpr char kHeading[] = "# The options of this run; `strop train --config` reads them.";

// The name of an option in a file.
std::string KeyOf(const Option& option) { return absl::AsciiStrToLower(option.name); }

// Where a value stands, and that the file is the one of options.
absl::Status Refused(const std::string& path, uint32_t line, const std::string& problem) {
  return UsageError(absl::StrCat("config \"", path, ":", line, "\": ", problem));
}

// The option that a key of the file sets.
absl::StatusOr<Option*> OptionNamed(OptionSet& options, const std::string& key,
                                    const toml::node& node) {
  std::vector<std::string> names;
  for (Option& option : options.options()) {
    if (option.is_of_the_moment) continue;
    if (KeyOf(option) == key) return &option;
    names.push_back(KeyOf(option));
  }
  const std::string is_table =
      node.is_table() ? " (a table; the keys stand outside of tables)" : DidYouMean(key, names);
  return UsageError(absl::StrCat("unknown option \"", key, "\"", is_table));
}

// The values of a key as they would be typed.
absl::StatusOr<std::vector<std::string>> TypedValues(const std::string& key,
                                                     const toml::node& node) {
  std::vector<std::string> values;
  const auto add = [&](const toml::node& item) -> absl::Status {
    const std::optional<std::string> text = TypedText(item);
    if (!text) {
      return UsageError(
          absl::StrCat("\"", key, "\" is a ", item.is_table() ? "table" : "date, time or array",
                       ", expected text, a number, true or false, or an array of these"));
    }
    values.push_back(*text);
    return absl::OkStatus();
  };
  const toml::array* list = node.as_array();
  if (list == nullptr) {
    STROP_RETURN_IF_ERROR(add(node));
    return values;
  }
  for (const toml::node& item : *list) STROP_RETURN_IF_ERROR(add(item));
  return values;
}

absl::Status TakeKey(const std::string& key, const toml::node& node, OptionSet& options) {
  STROP_ASSIGN_OR_RETURN(Option * option, OptionNamed(options, key, node));
  if (!option->given.empty()) return absl::OkStatus();
  STROP_ASSIGN_OR_RETURN(const std::vector<std::string> values, TypedValues(key, node));
  return options.Give(option->name, values);
}

std::string TomlText(const std::string& text) {
  std::ostringstream out;
  out << toml::value<std::string>(text);
  return out.str();
}

}  // namespace

absl::Status ReadConfig(const std::string& path, OptionSet& options) {
  if (!std::ifstream(path).is_open()) {
    return UsageError(absl::StrCat("config \"", path, "\": no such file that can be read"));
  }
  toml::table table;
  try {
    table = toml::parse_file(path);
  } catch (const toml::parse_error& error) {
    return Refused(path, error.source().begin.line, std::string(error.description()));
  }
  for (const auto& [key, node] : table) {
    const absl::Status status = TakeKey(std::string(key.str()), node, options);
    if (status.ok()) continue;
    return Refused(path, node.source().begin.line, std::string(status.message()));
  }
  return absl::OkStatus();
}

absl::Status ReadGivenConfig(OptionSet& options) {
  const Option* config = options.Find("config");
  if (config == nullptr || !config->is_given()) return absl::OkStatus();
  return ReadConfig(config->given.front(), options);
}

std::vector<ResolvedOption> ResolvedOptions(const OptionSet& options) {
  std::vector<ResolvedOption> resolved;
  for (const Option& option : options.options()) {
    if (option.is_of_the_moment) continue;
    // A default that means something only beside another option would ask for that.
    if (!option.is_given() && !option.needs.empty()) continue;
    const std::vector<std::string> values = ValuesOf(option);
    if (values.empty() || (option.is_switch() && !option.is_given())) continue;
    resolved.push_back({&option, KeyOf(option), values});
  }
  return resolved;
}

std::string ConfigText(const std::vector<ResolvedOption>& options) {
  std::vector<std::string> groups;  // in the order in which --help has them
  std::map<std::string, std::string> sections;
  for (const ResolvedOption& resolved : options) {
    const Option& option = *resolved.option;
    if (!sections.contains(option.group)) groups.push_back(option.group);
    std::vector<std::string> values;
    for (const std::string& value : resolved.values) {
      double ignored = 0;
      const bool is_bare =
          option.is_switch() || (option.is_number() && absl::SimpleAtod(value, &ignored));
      values.push_back(is_bare ? value : TomlText(value));
    }
    absl::StrAppend(
        &sections[option.group], resolved.name, " = ",
        option.is_list() ? absl::StrCat("[", absl::StrJoin(values, ", "), "]") : values.back(),
        "\n");
  }
  std::string text = absl::StrCat(kHeading, "\n");
  for (const std::string& group : groups) {
    absl::StrAppend(&text, "\n# ", group, "\n", sections[group]);
  }
  return text;
}

bool IsConfigText(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  return std::getline(file, line) && line == kHeading;
}

}  // namespace strop
