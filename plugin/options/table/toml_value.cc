#include "plugin/options/table/toml_value.h"

#include <charconv>

#include "absl/strings/str_cat.h"

namespace strop {

std::optional<std::string> TypedText(const toml::node& node) {
  if (const auto text = node.value_exact<std::string>()) return *text;
  if (const auto number = node.value_exact<int64_t>()) return absl::StrCat(*number);
  if (const auto number = node.value_exact<double>()) return ShortestText(*number);
  if (const auto flag = node.value_exact<bool>()) return *flag ? "true" : "false";
  return std::nullopt;
}

std::string ShortestText(double number) {
  char text[32];
  return std::string(text, std::to_chars(text, text + sizeof(text), number).ptr);
}

}  // namespace strop
