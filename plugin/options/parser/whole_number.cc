#include "plugin/options/parser/whole_number.h"

#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace strop {
namespace {

template <typename Number>
bool Rewrite(std::string& typed) {
  Number number = 0;
  if (!absl::SimpleAtoi(typed, &number)) return false;
  typed = absl::StrCat(number);
  return true;
}

}  // namespace

CLI::Validator WholeNumber(bool has_sign) {
  return CLI::Validator(
      [has_sign](std::string& typed) -> std::string {
        if (has_sign ? Rewrite<int64_t>(typed) : Rewrite<uint64_t>(typed)) return "";
        return absl::StrCat("found \"", typed, "\", expected a whole number ",
                            has_sign ? "" : "from 0 on ", "that 64 bits hold");
      },
      "", "whole number");
}

void ReadWholeNumbers(CLI::App& command) {
  for (CLI::Option* option : command.get_options()) {
    const std::string type = option->get_type_name();
    if (type.starts_with("INT")) option->transform(WholeNumber(/*has_sign=*/true));
    if (type.starts_with("UINT")) option->transform(WholeNumber(/*has_sign=*/false));
  }
}

}  // namespace strop
