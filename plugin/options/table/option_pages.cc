#include "plugin/options/table/option_pages.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <type_traits>
#include <variant>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"

namespace strop {
namespace {

using Json = nlohmann::ordered_json;

Json PathJson(const Option& option) {
  if (!option.path) return nullptr;
  const PathKind& kind = KindOf(*option.path);
  return {{"role", kind.name},
          {"written", kind.is_written},
          {"folder", kind.is_folder},
          {"own", kind.own}};
}

Json SuitsJson(const Option& option) {
  if (option.suits.option.empty()) return nullptr;
  return {{"option", option.suits.option}, {"values", option.suits.values}};
}

const char* ValueKind(const Option& option) {
  if (option.is_switch()) return "switch";
  if (!option.is_number()) return "text";
  const bool has_fractions = std::visit(
      [](auto* kept) {
        using Kept = std::remove_pointer_t<decltype(kept)>;
        return std::is_same_v<Kept, double> || std::is_same_v<Kept, std::optional<double>> ||
               std::is_same_v<Kept, std::vector<double>>;
      },
      option.target);
  return has_fractions ? "number" : "integer";
}

Json OptionJson(const Option& option) {
  return {{"name", option.ShownName()},
          {"long_name", option.LongName()},
          {"aliases", option.aliases},
          {"group", option.group},
          {"positional", option.is_positional()},
          {"required", option.is_required},
          {"flag", option.is_switch()},
          {"list", option.is_list()},
          {"type", option.ShownValue()},
          {"value", ValueKind(option)},
          {"value_when_bare", option.value_when_bare},
          {"choices", option.choices},
          {"unit", option.unit},
          {"default", option.default_text},
          {"suits", SuitsJson(option)},
          {"needs", option.needs},
          {"excludes", option.excludes},
          {"path", PathJson(option)},
          {"help", option.help}};
}

// A text in a cell of a table.
std::string Cell(const std::string& text) {
  return absl::StrReplaceAll(text, {{"|", "\\|"}, {"<", "&lt;"}, {"*", "\\*"}, {"_", "\\_"}});
}

std::string NameCell(const Option& option) {
  std::vector<std::string> names = {absl::StrCat("`", option.LongName(), "`")};
  for (const std::string& alias : option.aliases) {
    names.push_back(absl::StrCat("`", alias.size() == 1 ? "-" : "--", alias, "`"));
  }
  return absl::StrJoin(names, ", ");
}

std::string MeaningCell(const Option& option) {
  std::string meaning = Cell(option.help);
  const auto add = [&meaning](const std::string& sentence) {
    absl::StrAppend(&meaning, meaning.empty() ? "" : ". ", sentence);
  };
  if (!option.suits.option.empty()) {
    add(absl::StrCat("Of `--", option.suits.option, "` ",
                     Cell(absl::StrJoin(option.suits.values, ", "))));
  }
  if (!option.needs.empty()) {
    add(absl::StrCat("With `--", absl::StrJoin(option.needs, "`, `--"), "`"));
  }
  if (option.is_required) add("Required");
  return meaning;
}

std::string Row(const Option& option) {
  return absl::StrCat("| ", NameCell(option), " | ", Cell(option.ShownValue()), " | ",
                      Cell(option.default_text), " | ", MeaningCell(option), " |\n");
}

bool IsSame(const Option& option, const OptionSet& others) {
  const Option* other = others.Find(option.name);
  return other != nullptr && Row(*other) == Row(option);
}

// The options that `shared` does not explain, a table for each heading.
std::string Tables(const OptionSet& options, const OptionSet* shared) {
  std::string page;
  std::string group;
  for (const Option& option : options.options()) {
    if (option.is_hidden || (shared != nullptr && IsSame(option, *shared))) continue;
    if (page.empty() || option.group != group) {
      group = option.group;
      absl::StrAppend(&page, "\n### ", group,
                      "\n\n| option | value | default | meaning |\n|---|---|---|---|\n");
    }
    page += Row(option);
  }
  return page;
}

std::string SharedNames(const OptionSet& options, const OptionSet& shared) {
  std::vector<std::string> names;
  for (const Option& option : options.options()) {
    if (!option.is_hidden && IsSame(option, shared)) {
      names.push_back(absl::StrCat("`", option.LongName(), "`"));
    }
  }
  return absl::StrJoin(names, ", ");
}

}  // namespace

std::string OptionListJson(const std::vector<CommandOptions>& commands) {
  Json list = Json::array();
  for (const CommandOptions& command : commands) {
    Json options = Json::array();
    for (const Option& option : command.options->options()) {
      if (!option.is_hidden) options.push_back(OptionJson(option));
    }
    list.push_back({{"command", command.command}, {"help", command.help}, {"options", options}});
  }
  return list.dump(1);
}

std::string OptionPage(const std::vector<CommandOptions>& commands) {
  const CommandOptions& first = commands.front();
  std::string page = absl::StrCat(
      "# Options\n\n"
      "Every option of every command, made by `strop --option-page`. A file of options "
      "(`--config`)\n"
      "has the same names without dashes. Several values of one option: `A,B` or the "
      "option again.\n");
  for (const CommandOptions& command : commands) {
    absl::StrAppend(&page, "\n## strop ", command.command, "\n\n", command.help, ".\n");
    const OptionSet* shared = command.options == first.options ? nullptr : first.options;
    page += Tables(*command.options, shared);
    if (shared == nullptr) continue;
    const std::string names = SharedNames(*command.options, *shared);
    if (!names.empty()) {
      absl::StrAppend(&page, "\nAs `strop ", first.command, "`: ", names, ".\n");
    }
  }
  return page;
}

}  // namespace strop
