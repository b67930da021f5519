#pragma once

#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "plugin/options/table/option.h"

namespace strop {

// The options of one command, or of one thing that a library makes. They write into what their
// targets point to, which has to live as long as the set.
class OptionSet {
 public:
  // Adds options under a heading of --help.
  void Add(const std::string& group, std::vector<Option> options);
  // Those without a heading of their own.
  void Add(std::vector<Option> options) { Add("Options", std::move(options)); }

  // Adds options behind another, under its heading, for who adds some to those of somebody else.
  void AddBehind(const std::string& name, std::vector<Option> options);

  const std::deque<Option>& options() const { return options_; }
  std::deque<Option>& options() { return options_; }
  // The option of that name or alias, without dashes; null where there is none.
  const Option* Find(const std::string& name) const;
  Option* Find(const std::string& name);
  // The option of that name, which is there.
  const Option& at(const std::string& name) const;
  Option& at(const std::string& name);
  // Names and aliases.
  std::vector<std::string> Names() const;

  // Gives an option all the texts that were typed for it. UsageError when there is none of that
  // name, for a second value of one that takes one, and for a text that it does not take.
  absl::Status Give(const std::string& name, const std::vector<std::string>& texts);
  // Gives an option another value, and a list one more.
  absl::Status Set(const std::string& name, const std::string& text);
  bool IsGiven(const std::string& name) const { return at(name).is_given(); }

  // UsageError for what is missing, and for options that do not go together.
  absl::Status CheckTogether() const;
  // UsageError for an option that has no meaning with the values of others.
  absl::Status CheckSuits() const;

 private:
  std::deque<Option> options_;  // whose addresses stay, unless some are added between them
};

// What an option has: as it was given, else by default; nothing where it has neither. Numbers are
// in their shortest form, so that equal ones are equal texts; lists are apart.
std::vector<std::string> ValuesOf(const Option& option);

}  // namespace strop
