#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "plugin/options/table/path_role.h"

namespace strop {

// Where the value of an option is kept, and with that what it is: a switch, a whole number, a
// number, a text, or a list of these. A list of lists has
// the texts that are given together, which are the lines of one text.
using OptionTarget =
    std::variant<bool*, int*, int64_t*, uint64_t*, double*, std::string*, std::optional<int64_t>*,
                 std::optional<double>*, std::optional<std::string>*, std::vector<int64_t>*,
                 std::vector<double>*, std::vector<std::string>*,
                 std::vector<std::vector<std::string>>*>;

// The numbers that an option takes.
struct NumberRange {
  double least = -std::numeric_limits<double>::infinity();
  double most = std::numeric_limits<double>::infinity();
  bool has_least = true;  // or only what is above it
};

inline constexpr NumberRange kFromZero = {.least = 0};
inline constexpr NumberRange kAboveZero = {.least = 0, .has_least = false};
inline constexpr NumberRange kFromOne = {.least = 1};
inline constexpr NumberRange kShare = {.least = 0, .most = 1};

// The values of another option with which an option has a meaning.
struct OptionSuits {
  std::string option;  // optimizer, loss, schedule; empty: it always has one
  std::vector<std::string> values;
};

// How runs are compared by an option, where the user does not say by which.
enum class Comparison {
  kNever,    // where things lie, what is told
  kInput,    // when it is given, as what the runs are of
  kIfGiven,  // when it is given
  kAlways,
  kMain,  // always, and among those by which runs are likely to differ
};

// One option: all that the command line, files of options, pages and other front ends know of it.
struct Option {
  // Without dashes. In capitals, what is told by its place: MODEL.
  std::string name;
  // Other names for the same; of one letter: -o.
  std::vector<std::string> aliases = {};
  OptionTarget target;
  // What the value is called where it is shown; empty: its unit, else its type.
  std::string value_name = {};
  // What the number counts or measures: epochs, pixels.
  std::string unit = {};
  NumberRange range = {};
  // The texts that there are; empty: any.
  std::vector<std::string> choices = {};
  // What is wrong with a text, as "found …, expected …"; empty when nothing is.
  std::function<std::string(const std::string&)> problem = {};
  // What is done with the files that a text names.
  std::optional<PathRole> path = {};
  // Each time one value, which may have commas in it. Else lists are split at commas.
  bool is_repeated = false;
  // A list whose values may also be several words behind the option.
  bool takes_words = false;
  // Taken when the option is given without a value; empty: it needs one.
  std::string value_when_bare = {};
  // The target has a value before it is given, which is shown, recorded and kept.
  bool has_default = false;
  OptionSuits suits = {};
  // Options without which it has no meaning, or with which it has none.
  std::vector<std::string> needs = {};
  std::vector<std::string> excludes = {};
  bool is_required = false;
  // Most people need it: --help shows it. --help-all shows the rest.
  bool is_common = false;
  // For programs, not people.
  bool is_hidden = false;
  // It says what to do now, not how: files of options do not have it.
  bool is_of_the_moment = false;
  // A run may go on with another value of it.
  bool may_change_on_resume = false;
  // `strop tune` sets it for its trials, or keeps it from them.
  bool is_set_by_tuner = false;
  Comparison comparison = Comparison::kIfGiven;
  std::string help;

  // Filled in by the set that the option is in.
  std::string group = {};
  std::string default_text = {};
  std::vector<std::string> given = {};  // as typed, lists apart

  bool is_positional() const { return name[0] >= 'A' && name[0] <= 'Z'; }
  bool is_switch() const { return std::holds_alternative<bool*>(target); }
  bool is_list() const;
  bool is_number() const;
  // Whether it was given; a switch: and is on.
  bool is_given() const;
  // As a message names it: "-o", "--page", "MODEL".
  std::string ShownName() const;
  // "--name" or "NAME", whatever letters there are.
  std::string LongName() const;
  // The value as --help shows it: "A|B", "EPOCHS", "INT"; empty for a switch.
  std::string ShownValue() const;
  // The help, with the values that it suits in front.
  std::string ShownHelp() const;
};

// -o: the file that a command writes, and without which it does not, or can do.
Option RequiredOutput(std::string& path, std::string help);
Option OptionalOutput(std::string& path, std::string help);

}  // namespace strop
