#include "plugin/options/table/option_value.h"

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "graph/status_macros.h"
#include "plugin/options/outcome.h"
#include "plugin/options/table/nearest_name.h"
#include "plugin/options/table/toml_value.h"

namespace strop {
namespace {

// "found …, expected …" as an error of the option; long texts are cut.
absl::Status Refused(const Option& option, const std::string& text, const std::string& expected) {
  constexpr size_t kShown = 60;
  const std::string shown = text.size() > kShown ? text.substr(0, kShown) + "…" : text;
  return UsageError(
      absl::StrCat(option.LongName(), ": found \"", shown, "\", expected ", expected));
}

std::string RangeWords(const NumberRange& range) {
  const bool has_least = std::isfinite(range.least);
  const bool has_most = std::isfinite(range.most);
  if (!has_least && !has_most) return "";
  const std::string from =
      has_least ? absl::StrCat(range.has_least ? " from " : " above ", ShortestText(range.least))
                : "";
  if (!has_most) return range.has_least ? from + " on" : from;
  return absl::StrCat(from, has_least && !range.has_least ? " and" : "", " to ",
                      ShortestText(range.most));
}

bool IsIn(const NumberRange& range, double number) {
  const bool is_least = range.has_least ? number >= range.least : number > range.least;
  return is_least && number <= range.most;
}

absl::Status Read(const Option& option, const std::string& text, std::string& value) {
  const auto& choices = option.choices;
  if (!choices.empty() && std::find(choices.begin(), choices.end(), text) == choices.end()) {
    return Refused(
        option, text,
        absl::StrCat("one of ", absl::StrJoin(choices, ", "), DidYouMean(text, choices)));
  }
  if (option.path && text.empty()) return Refused(option, text, "the name of a file or folder");
  value = text;
  return absl::OkStatus();
}

absl::Status Read(const Option& option, const std::string& text, double& value) {
  double number = 0;
  if (!absl::SimpleAtod(text, &number) || !std::isfinite(number) || !IsIn(option.range, number)) {
    return Refused(option, text, absl::StrCat("a finite number", RangeWords(option.range)));
  }
  value = number;
  return absl::OkStatus();
}

constexpr char kThatFits[] = " that 64 bits hold";

// In decimal, without what a parser would make of 010 or of numbers that do not fit.
template <typename Whole>
requires(std::is_integral_v<Whole> && !std::is_same_v<Whole, bool>) absl::Status
    Read(const Option& option, const std::string& text, Whole& value) {
  Whole number = 0;
  if (!absl::SimpleAtoi(text, &number) || !IsIn(option.range, static_cast<double>(number))) {
    std::string range = RangeWords(option.range);
    if (range.empty()) range = std::is_unsigned_v<Whole> ? " from 0 on" : "";
    return Refused(
        option, text,
        absl::StrCat("a whole number", range, sizeof(Whole) == 8 ? " that 64 bits hold" : ""));
  }
  value = number;
  return absl::OkStatus();
}

absl::Status Read(const Option& option, const std::string& text, bool& value) {
  const std::string plain = absl::AsciiStrToLower(text);
  bool is_on = false;
  if (!absl::SimpleAtob(plain, &is_on)) {
    if (plain != "on" && plain != "off") return Refused(option, text, "true or false");
    is_on = plain == "on";
  }
  value = is_on;
  return absl::OkStatus();
}

template <typename Value>
absl::Status Read(const Option& option, const std::string& text, std::optional<Value>& value) {
  Value read = {};
  STROP_RETURN_IF_ERROR(Read(option, text, read));
  value = std::move(read);
  return absl::OkStatus();
}

// What a list gets replaces the values that it had by default.
template <typename Value>
absl::Status Read(const Option& option, const std::string& text, std::vector<Value>& values) {
  Value value = {};
  STROP_RETURN_IF_ERROR(Read(option, text, value));
  if (option.given.empty()) values.clear();
  values.push_back(std::move(value));
  return absl::OkStatus();
}

absl::Status Read(const Option& option, const std::string& text,
                  std::vector<std::vector<std::string>>& groups) {
  if (option.given.empty()) groups.clear();
  groups.emplace_back(absl::StrSplit(text, '\n'));
  return absl::OkStatus();
}

absl::Status ReadOne(Option& option, const std::string& text) {
  if (option.problem) {
    if (const std::string problem = option.problem(text); !problem.empty()) {
      return UsageError(absl::StrCat(option.LongName(), ": ", problem));
    }
  }
  STROP_RETURN_IF_ERROR(
      std::visit([&](auto* kept) { return Read(option, text, *kept); }, option.target));
  option.given.push_back(text);
  return absl::OkStatus();
}

template <typename Value>
std::string TextOf(const Value& value) {
  if constexpr (std::is_same_v<Value, bool>) {
    return value ? "true" : "false";
  } else if constexpr (std::is_floating_point_v<Value>) {
    return ShortestText(value);
  } else {
    return absl::StrCat(value);
  }
}

template <typename Value>
std::string TextOf(const std::optional<Value>& value) {
  return value ? TextOf(*value) : "";
}

template <typename Value>
std::string TextOf(const std::vector<Value>& values) {
  std::vector<std::string> texts;
  for (const Value& value : values) texts.push_back(TextOf(value));
  return absl::StrJoin(texts, ",");
}

}  // namespace

absl::Status ReadValue(Option& option, const std::string& text) {
  if (!option.is_list() || option.is_repeated) return ReadOne(option, text);
  const std::vector<std::string> parts = absl::StrSplit(text, ',');
  for (const std::string& part : parts) STROP_RETURN_IF_ERROR(ReadOne(option, part));
  return absl::OkStatus();
}

std::string ValueText(const Option& option) {
  return std::visit([](auto* kept) { return TextOf(*kept); }, option.target);
}

}  // namespace strop
