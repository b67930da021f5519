#pragma once

#include <CLI/App.hpp>
#include <string>
#include <vector>

namespace strop {

// Adds --config FILE, before all other options of `app`: a TOML file whose keys are the names of
// options without their dashes, and of positional arguments in lower case. An option on the command
// line wins. A key that is none, and a value that its option would not take, end the parsing as a
// mistyped option does.
void AddConfigOption(CLI::App& app);

// An option's name and its value: what was typed or configured, else its default.
struct ResolvedOption {
  std::string name;  // as in a config file
  std::string group;
  std::vector<std::string> values;
  bool is_list = false;
  bool is_flag = false;
  bool is_number = false;
};

// Every option of a parsed `app` that has a value. Numbers are in their shortest form, so that
// equal ones are equal texts. Options that are not configurable are left out.
std::vector<ResolvedOption> ResolvedOptions(const CLI::App& app);

// The options as a file that AddConfigOption reads.
std::string ConfigText(const std::vector<ResolvedOption>& options);

// False for a file that ConfigText did not make.
bool IsConfigText(const std::string& path);

}  // namespace strop
