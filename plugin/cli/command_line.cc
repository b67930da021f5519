#include "plugin/cli/command_line.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <deque>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "graph/status_macros.h"
#include "plugin/options/outcome.h"
#include "plugin/options/table/config_file.h"
#include "plugin/options/table/nearest_name.h"
#include "plugin/options/table/option_pages.h"

namespace strop {
namespace {

constexpr size_t kFewOptions = 30;  // of which --help shows all

// "-o,--output", or "MODEL".
std::string ParserNames(const Option& option) {
  std::string names = option.LongName();
  for (const std::string& alias : option.aliases) {
    absl::StrAppend(&names, alias.size() == 1 ? ",-" : ",--", alias);
  }
  return names;
}

// The parser of one command. It splits words into options and their texts, and lays out --help;
// what texts mean is the options' own.
class CommandParser {
 public:
  CommandParser(CLI::App& program, const Command& command) : command_(command) {
    app_ = program.add_subcommand(command.name, command.help);
    std::string footer = command.footer;
    for (const Option& option : command.options->options()) {
      AddOption(option);
      const bool has_commas = option.is_list() && !option.is_repeated;
      if (has_commas && footer == command.footer) {
        footer = "Several values of one option: A,B or the option again.\n" + command.footer;
      }
    }
    app_->footer(footer);
    CLI::Option* help_all = app_->set_help_all_flag("--help-all", "Every option, by group");
    if (ShowsAll()) help_all->group("");  // --help says as much
  }

  const Command& command() const { return command_; }
  CLI::App& app() { return *app_; }

  // What --help shows besides what parsing needs.
  void PrepareHelp(bool shows_all) {
    size_t hidden = 0;
    for (size_t i = 0; i < parsed_.size(); ++i) {
      const Option& option = command_.options->options()[i];
      CLI::Option& shown = *parsed_[i];
      shown.required(option.is_required);
      for (const std::string& name : option.needs) shown.needs(Parsed(name));
      for (const std::string& name : option.excludes) shown.excludes(Parsed(name));
      if (shows_all || ShowsAll() || option.is_common || option.is_hidden) continue;
      shown.group("");
      ++hidden;
    }
    if (hidden == 0) return;
    app_->footer(absl::StrCat(hidden, " more options: strop ", command_.name, " --help-all\n",
                              app_->get_footer()));
  }

  // Gives the options what was typed, then what a file of options says, and looks at them together.
  absl::Status Give() {
    OptionSet& options = *command_.options;
    for (size_t i = 0; i < parsed_.size(); ++i) {
      const Option& option = options.options()[i];
      STROP_RETURN_IF_ERROR(options.Give(option.name, TextsOf(option, *parsed_[i])));
    }
    STROP_RETURN_IF_ERROR(ReadGivenConfig(options));
    return options.CheckTogether();
  }

 private:
  bool ShowsAll() const { return command_.options->options().size() <= kFewOptions; }

  CLI::Option* Parsed(const std::string& name) {
    const std::deque<Option>& options = command_.options->options();
    for (size_t i = 0; i < parsed_.size(); ++i) {
      if (options[i].name == name) return parsed_[i];
    }
    return nullptr;
  }

  void AddOption(const Option& option) {
    const std::string names = ParserNames(option);
    CLI::Option* added = nullptr;
    if (option.is_switch()) {
      added = app_->add_flag(names);
    } else if (std::holds_alternative<std::vector<std::vector<std::string>>*>(option.target)) {
      added = app_->add_option(names, groups_.emplace_back());
    } else {
      added = app_->add_option(names);
      added->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)->allow_extra_args(false);
      if (option.takes_words) added->expected(-1)->allow_extra_args(true);
      if (!option.value_when_bare.empty()) {
        added->expected(0, 1)->default_str(option.value_when_bare);
      }
    }
    added->description(option.ShownHelp())->group(option.group);
    if (!option.is_switch()) added->type_name(option.ShownValue());
    if (!option.default_text.empty()) added->default_str(option.default_text);
    parsed_.push_back(added);
  }

  // The texts that were typed for an option; those of one group are lines of one text.
  static std::vector<std::string> TextsOf(const Option& option, const CLI::Option& parsed) {
    const std::vector<std::string>& results = parsed.results();
    if (!std::holds_alternative<std::vector<std::vector<std::string>>*>(option.target)) {
      return results;
    }
    std::vector<std::string> groups;
    bool is_new = true;
    for (const std::string& text : results) {
      const bool ends = CLI::detail::is_separator(text);
      if (!ends && is_new) groups.push_back(text);
      if (!ends && !is_new) absl::StrAppend(&groups.back(), "\n", text);
      is_new = ends;
    }
    return groups;
  }

  const Command& command_;
  CLI::App* app_ = nullptr;
  std::vector<CLI::Option*> parsed_;                          // by option
  std::deque<std::vector<std::vector<std::string>>> groups_;  // which tell the parser that they are
};

std::vector<std::string> LongNames(const OptionSet& options) {
  std::vector<std::string> names;
  for (const std::string& name : options.Names()) names.push_back("--" + name);
  return names;
}

// What to say of an option that a command does not have: who has it, or what it is like.
std::string AboutUnknown(const std::string& name, const Command& asked,
                         const std::vector<Command>& commands) {
  std::vector<std::string> owners;
  for (const Command& command : commands) {
    const std::vector<std::string> names = LongNames(*command.options);
    if (std::count(names.begin(), names.end(), name) > 0) owners.push_back(command.name);
  }
  if (owners.empty()) return DidYouMean(name, LongNames(*asked.options));
  return absl::StrCat(", which belongs to strop ", absl::StrJoin(owners, ", "));
}

// A word that nothing knows; it often is why a required option seems to be missing.
std::string UnknownWord(const std::vector<std::string>& unknown, const Command& asked,
                        const std::vector<Command>& commands) {
  std::string problem;
  for (const std::string& word : unknown) {
    const std::string name = word.substr(0, word.find('='));
    if (!name.starts_with("-")) {
      problem = absl::StrCat("unexpected argument ", word);
      continue;
    }
    return absl::StrCat("unknown option ", name, AboutUnknown(name, asked, commands));
  }
  return problem;
}

std::vector<std::string> CommandNames(const std::vector<Command>& commands) {
  std::vector<std::string> names;
  for (const Command& command : commands) names.push_back(command.name);
  return names;
}

std::vector<CommandOptions> AllOptions(const std::vector<Command>& commands) {
  std::vector<CommandOptions> all;
  for (const Command& command : commands) {
    all.push_back({command.name, command.help, command.options.get()});
  }
  return all;
}

}  // namespace

ParsedCommandLine ParseCommandLine(const std::vector<Command>& commands,
                                   const std::vector<std::string>& words) {
  CLI::App program(
      "Trains any ONNX model on a CPU and gives back the same file with better weights.", "strop");
  program.set_version_flag("--version", STROP_VERSION);
  program.require_subcommand(1);
  program.get_formatter()->column_width(34);
  std::deque<CommandParser> parsers;
  for (const Command& command : commands) parsers.emplace_back(program, command);
  const auto add_page = [&](const char* name, const std::function<std::string()>& page) {
    program.add_flag_callback(name, [page] { throw CLI::CallForVersion(page(), 0); })->group("");
  };
  add_page("--list-options", [&] { return OptionListJson(AllOptions(commands)); });
  add_page("--option-page", [&] { return OptionPage(AllOptions(commands)); });
  const auto asked_parser = [&]() -> CommandParser* {
    for (CommandParser& parser : parsers) {
      if (parser.app().parsed()) return &parser;
    }
    return nullptr;
  };
  ParsedCommandLine parsed;
  try {
    program.parse(std::vector<std::string>(words.rbegin(), words.rend()));
  } catch (const CLI::Success& request) {  // --help, --version
    const bool shows_all = request.get_name() == "CallForAllHelp";
    if (CommandParser* asked = asked_parser()) asked->PrepareHelp(shows_all);
    program.exit(request);
    parsed.is_answered = true;
    return parsed;
  } catch (const CLI::ParseError& error) {
    const std::vector<std::string> unknown = program.remaining(true);
    const CommandParser* asked = asked_parser();
    std::string problem;
    if (asked != nullptr) {
      parsed.command = &asked->command();
      problem = UnknownWord(unknown, *parsed.command, commands);
    } else if (!unknown.empty()) {
      problem = absl::StrCat("unknown command ", unknown[0],
                             DidYouMean(unknown[0], CommandNames(commands)));
    }
    parsed.status = UsageError(problem.empty() ? error.what() : problem);
  }
  if (parsed.status.ok()) {
    CommandParser* asked = asked_parser();
    parsed.command = &asked->command();
    parsed.status = asked->Give();
    parsed.status.Update(parsed.command->options->CheckSuits());
  }
  if (parsed.status.ok()) return parsed;
  parsed.status = UsageError(
      absl::StrCat(std::string(parsed.status.message()), "; see strop",
                   parsed.command == nullptr ? "" : " " + parsed.command->name, " --help"));
  return parsed;
}

}  // namespace strop
