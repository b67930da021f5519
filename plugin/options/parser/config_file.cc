#include "plugin/options/parser/config_file.h"

#include <toml++/toml.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "plugin/options/parser/nearest_name.h"
#include "plugin/options/parser/path_option.h"
#include "plugin/options/parser/toml_value.h"

namespace strop {
namespace {

constexpr char kHeading[] = "# The options of this run; `strop train --config` reads them.";

// The name of an option in a file.
std::string KeyOf(const CLI::Option& option) {
  if (!option.get_lnames().empty()) return option.get_lnames().front();
  return absl::AsciiStrToLower(option.get_name(/*positional=*/true));
}

[[noreturn]] void Refuse(const std::string& path, const std::string& problem) {
  throw CLI::ConfigError(absl::StrCat("config \"", path, "\": ", problem),
                         CLI::ExitCodes::ConfigError);
}

std::string Place(const std::string& path, const toml::node& node) {
  return absl::StrCat(path, ":", node.source().begin.line);
}

// A value as it would be typed.
std::string TypedValue(const std::string& key, const toml::node& node, const std::string& path) {
  if (const auto text = TypedText(node)) return *text;
  Refuse(Place(path, node),
         absl::StrCat("\"", key, "\" is a ", node.is_table() ? "table" : "date, time or array",
                      ", expected text, a number, true or false, or an array of these"));
}

// The option that a key of the file sets.
CLI::Option* OptionNamed(const CLI::App& app, const std::string& key, const toml::node& node,
                         const std::string& path) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    if (!option->get_configurable()) continue;
    names.push_back(KeyOf(*option));
    if (names.back() == key) return const_cast<CLI::Option*>(option);
  }
  const std::string is_table =
      node.is_table() ? " (a table; the keys stand outside of tables)" : DidYouMean(key, names);
  Refuse(Place(path, node), absl::StrCat("unknown option \"", key, "\"", is_table));
}

void ReadConfig(const CLI::App& app, const std::string& path) {
  toml::table table;
  try {
    table = toml::parse_file(path);
  } catch (const toml::parse_error& error) {
    Refuse(absl::StrCat(path, ":", error.source().begin.line), std::string(error.description()));
  }
  for (const auto& [key, node] : table) {
    const std::string name(key.str());
    CLI::Option* option = OptionNamed(app, name, node, path);
    if (option->count() > 0) continue;  // the command line wins
    const toml::array* list = node.as_array();
    if (list == nullptr) {
      option->add_result(TypedValue(name, node, path));
      continue;
    }
    for (const toml::node& item : *list) option->add_result(TypedValue(name, item, path));
  }
}

std::string TomlText(const std::string& text) {
  std::ostringstream out;
  out << toml::value<std::string>(text);
  return out.str();
}

// A number in its shortest form; a text that is none stays.
std::string CanonicalNumber(const std::string& text) {
  int64_t integer = 0;
  double number = 0;
  if (absl::SimpleAtoi(text, &integer)) return absl::StrCat(integer);
  return absl::SimpleAtod(text, &number) ? ShortestText(number) : text;
}

}  // namespace

void AddConfigOption(CLI::App& app) {
  app.add_option_function<std::string>(
         "--config", [&app](const std::string& path) { ReadConfig(app, path); },
         "TOML file of options, by their names without dashes; what is typed wins")
      ->type_name("FILE")
      ->check(IsPath(PathRole::kInputFile))
      ->check(CLI::ExistingFile)
      ->configurable(false);
}

std::vector<ResolvedOption> ResolvedOptions(const CLI::App& app) {
  std::vector<ResolvedOption> resolved;
  for (const CLI::Option* option : app.get_options()) {
    if (!option->get_configurable() || option == app.get_help_ptr()) continue;
    ResolvedOption item;
    item.name = KeyOf(*option);
    item.group = option->get_group();
    item.is_flag = option->get_expected_max() == 0 || option->get_type_size() == 0;
    const bool takes_all = option->get_multi_option_policy() == CLI::MultiOptionPolicy::TakeAll;
    item.is_list = !item.is_flag && (option->get_expected_max() > 1 || takes_all);
    const std::string type = option->get_type_name();
    item.is_number =
        type.starts_with("INT") || type.starts_with("UINT") || type.starts_with("FLOAT");
    item.values = option->results();
    // A default that means something only beside another option would ask for that; that of an
    // optional value is what the option means without one.
    const bool has_optional_value = option->get_expected_min() == 0;
    if (item.values.empty() && !option->get_default_str().empty() && option->get_needs().empty() &&
        !has_optional_value) {
      item.values = {option->get_default_str()};
    }
    if (item.is_flag && (item.values.empty() || item.values.back() != "true")) continue;
    if (item.values.empty()) continue;
    if (item.is_number) {
      std::transform(item.values.begin(), item.values.end(), item.values.begin(), CanonicalNumber);
    }
    resolved.push_back(std::move(item));
  }
  return resolved;
}

std::string ConfigText(const std::vector<ResolvedOption>& options) {
  std::vector<std::string> groups;  // in the order in which --help has them
  std::map<std::string, std::string> sections;
  for (const ResolvedOption& option : options) {
    if (!sections.contains(option.group)) groups.push_back(option.group);
    std::vector<std::string> values;
    for (const std::string& value : option.values) {
      double ignored = 0;
      const bool is_bare =
          option.is_flag || (option.is_number && absl::SimpleAtod(value, &ignored));
      values.push_back(is_bare ? value : TomlText(value));
    }
    absl::StrAppend(
        &sections[option.group], option.name, " = ",
        option.is_list ? absl::StrCat("[", absl::StrJoin(values, ", "), "]") : values.back(), "\n");
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
