#include "plugin/options/table/option.h"

#include <algorithm>
#include <type_traits>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace strop {
namespace {

// The type of one value of a target.
template <typename Target>
struct ValueOf {
  using Type = Target;
};
template <typename Target>
struct ValueOf<std::optional<Target>> : ValueOf<Target> {};
template <typename Target>
struct ValueOf<std::vector<Target>> : ValueOf<Target> {};

template <typename Target>
using ValueType = typename ValueOf<Target>::Type;

}  // namespace

bool Option::is_list() const {
  return std::visit(
      [](auto* kept) {
        using Kept = std::remove_pointer_t<decltype(kept)>;
        return std::is_same_v<Kept, std::vector<int64_t>> ||
               std::is_same_v<Kept, std::vector<double>> ||
               std::is_same_v<Kept, std::vector<std::string>> ||
               std::is_same_v<Kept, std::vector<std::vector<std::string>>>;
      },
      target);
}

bool Option::is_number() const {
  return std::visit(
      [](auto* kept) {
        using Value = ValueType<std::remove_pointer_t<decltype(kept)>>;
        return std::is_arithmetic_v<Value> && !std::is_same_v<Value, bool>;
      },
      target);
}

bool Option::is_given() const {
  if (is_switch()) return *std::get<bool*>(target);
  return !given.empty();
}

std::string Option::ShownName() const {
  for (const std::string& alias : aliases) {
    if (alias.size() == 1) return "-" + alias;
  }
  return LongName();
}

std::string Option::LongName() const { return is_positional() ? name : "--" + name; }

std::string Option::ShownValue() const {
  if (is_switch()) return "";
  if (!value_name.empty()) return value_name;
  if (path) return KindOf(*path).value_name;
  if (!choices.empty()) return absl::StrJoin(choices, "|");
  if (!unit.empty()) return absl::AsciiStrToUpper(unit);
  return std::visit(
      [](auto* kept) {
        using Value = ValueType<std::remove_pointer_t<decltype(kept)>>;
        if (std::is_same_v<Value, std::string>) return "TEXT";
        if (std::is_floating_point_v<Value>) return "FLOAT";
        return std::is_unsigned_v<Value> ? "UINT" : "INT";
      },
      target);
}

std::string Option::ShownHelp() const {
  if (suits.option.empty()) return help;
  const std::string owners = absl::StrJoin(suits.values, ", ");
  return help.empty() ? owners : absl::StrCat(owners, ": ", help);
}

Option OptionalOutput(std::string& path, std::string help) {
  return {.name = "output",
          .aliases = {"o"},
          .target = &path,
          .path = PathRole::kOutputFile,
          .is_common = true,
          .help = std::move(help)};
}

Option RequiredOutput(std::string& path, std::string help) {
  Option output = OptionalOutput(path, std::move(help));
  output.is_required = true;
  return output;
}

}  // namespace strop
