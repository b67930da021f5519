#include "plugin/options/parser/option_list.h"

#include <nlohmann/json.hpp>

#include "plugin/options/parser/path_option.h"

namespace strop {
namespace {

using Json = nlohmann::ordered_json;

Json PathJson(CLI::Option& option) {
  const std::optional<PathRole> role = PathRoleOf(option);
  if (!role) return nullptr;
  const PathKind& kind = KindOf(*role);
  return {{"role", kind.name},
          {"written", kind.is_written},
          {"folder", kind.is_folder},
          {"own", kind.own}};
}

Json OptionJson(CLI::Option& option) {
  const bool is_flag = option.get_items_expected_max() == 0;
  const bool is_list = option.get_items_expected_max() > 1 ||
                       option.get_multi_option_policy() == CLI::MultiOptionPolicy::TakeAll;
  return {{"name", ShownName(option)},         {"positional", option.get_positional()},
          {"required", option.get_required()}, {"flag", is_flag},
          {"list", is_list && !is_flag},       {"type", is_flag ? "" : option.get_type_name()},
          {"path", PathJson(option)}};
}

}  // namespace

std::string OptionListJson(const std::vector<Command>& commands) {
  Json list = Json::array();
  for (const Command& command : commands) {
    Json options = Json::array();
    for (CLI::Option* option : command.app->get_options()) {
      if (!option->get_group().empty()) options.push_back(OptionJson(*option));
    }
    list.push_back({{"command", command.app->get_name()}, {"options", options}});
  }
  return list.dump(1);
}

}  // namespace strop
