#include "plugin/options/parser/parse_problem.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace strop {

std::string ParseProblem(const CLI::App& app, const CLI::ParseError& error) {
  for (const CLI::Option* option : app.get_options()) {
    const int most = option->get_items_expected_max();
    const auto given = static_cast<int>(option->results().size());
    if (most < 1 || given <= most) continue;
    return absl::StrCat(option->get_name(), ": given ", given, " times (",
                        absl::StrJoin(option->results(), ", "), "), expected once");
  }
  return error.what();
}

}  // namespace strop
