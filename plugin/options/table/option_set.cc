#include "plugin/options/table/option_set.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "graph/status_macros.h"
#include "plugin/options/outcome.h"
#include "plugin/options/table/nearest_name.h"
#include "plugin/options/table/option_value.h"
#include "plugin/options/table/toml_value.h"

namespace strop {
namespace {

bool IsNamed(const Option& option, const std::string& name) {
  return option.name == name ||
         std::find(option.aliases.begin(), option.aliases.end(), name) != option.aliases.end();
}

Option Grouped(Option option, const std::string& group) {
  option.group = option.is_hidden ? "" : group;
  if (option.has_default) option.default_text = ValueText(option);
  return option;
}

std::string CanonicalNumber(const std::string& text) {
  int64_t whole = 0;
  double number = 0;
  if (absl::SimpleAtoi(text, &whole)) return absl::StrCat(whole);
  return absl::SimpleAtod(text, &number) ? ShortestText(number) : text;
}

}  // namespace

void OptionSet::Add(const std::string& group, std::vector<Option> options) {
  for (Option& option : options) options_.push_back(Grouped(std::move(option), group));
}

void OptionSet::AddBehind(const std::string& name, std::vector<Option> options) {
  const Option& before = at(name);
  const std::string group = before.group;
  auto place = std::find_if(options_.begin(), options_.end(),
                            [&](const Option& option) { return &option == &before; });
  for (Option& option : options) {
    place = options_.insert(std::next(place), Grouped(std::move(option), group));
  }
}

const Option* OptionSet::Find(const std::string& name) const {
  const auto found = std::find_if(options_.begin(), options_.end(),
                                  [&](const Option& option) { return IsNamed(option, name); });
  return found == options_.end() ? nullptr : &*found;
}

Option* OptionSet::Find(const std::string& name) {
  return const_cast<Option*>(std::as_const(*this).Find(name));
}

const Option& OptionSet::at(const std::string& name) const {
  const Option* option = Find(name);
  if (option != nullptr) return *option;
  std::fprintf(stderr, "strop: internal: no option %s\n", name.c_str());
  std::abort();
}

Option& OptionSet::at(const std::string& name) {
  return const_cast<Option&>(std::as_const(*this).at(name));
}

std::vector<std::string> OptionSet::Names() const {
  std::vector<std::string> names;
  for (const Option& option : options_) {
    if (option.is_hidden) continue;
    names.push_back(option.name);
    names.insert(names.end(), option.aliases.begin(), option.aliases.end());
  }
  return names;
}

absl::Status OptionSet::Give(const std::string& name, const std::vector<std::string>& texts) {
  Option* option = Find(name);
  if (option == nullptr) {
    return UsageError(absl::StrCat("unknown option ", name, DidYouMean(name, Names())));
  }
  if (!option->is_list() && !option->is_switch() && texts.size() > 1) {
    return UsageError(absl::StrCat(option->LongName(), ": given ", texts.size(), " times (",
                                   absl::StrJoin(texts, ", "), "), expected once"));
  }
  for (const std::string& text : texts) STROP_RETURN_IF_ERROR(ReadValue(*option, text));
  return absl::OkStatus();
}

absl::Status OptionSet::Set(const std::string& name, const std::string& text) {
  Option* option = Find(name);
  if (option != nullptr && !option->is_list()) option->given.clear();
  return Give(name, {text});
}

absl::Status OptionSet::CheckTogether() const {
  for (const Option& option : options_) {
    if (option.is_required && option.given.empty()) {
      return UsageError(absl::StrCat(option.ShownName(), " is required"));
    }
  }
  for (const Option& option : options_) {
    if (!option.is_given()) continue;
    for (const std::string& name : option.needs) {
      if (IsGiven(name)) continue;
      return UsageError(absl::StrCat(option.LongName(), " requires ", at(name).LongName()));
    }
    for (const std::string& name : option.excludes) {
      if (!IsGiven(name)) continue;
      return UsageError(
          absl::StrCat(option.LongName(), " and ", at(name).LongName(), " exclude each other"));
    }
  }
  return absl::OkStatus();
}

absl::Status OptionSet::CheckSuits() const {
  for (const Option& option : options_) {
    const Option* chooser = Find(option.suits.option);
    if (!option.is_given() || chooser == nullptr) continue;
    const std::vector<std::string> chosen = ValuesOf(*chooser);
    const std::vector<std::string>& owners = option.suits.values;
    if (chosen.empty() || std::count(owners.begin(), owners.end(), chosen.front()) > 0) continue;
    return UsageError(absl::StrCat(option.LongName(), ": the ", chooser->name, " ", chosen.front(),
                                   " does not have it; it belongs to ",
                                   absl::StrJoin(owners, ", ")));
  }
  return absl::OkStatus();
}

std::vector<std::string> ValuesOf(const Option& option) {
  std::vector<std::string> values = option.given;
  if (values.empty() && !option.default_text.empty()) values = {option.default_text};
  if (option.is_switch()) values = {option.is_given() ? "true" : "false"};
  if (option.is_number()) {
    std::transform(values.begin(), values.end(), values.begin(), CanonicalNumber);
  }
  return values;
}

}  // namespace strop
