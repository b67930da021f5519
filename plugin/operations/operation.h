#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "plugin/options/listener.h"
#include "plugin/options/table/option_set.h"
#include "plugin/options/table/option_texts.h"
#include "plugin/options/table/path_conflict.h"

namespace strop {

// What an operation, and its command, is called and what it does, in one line.
struct OperationTitle {
  const char* name;  // "evaluate"
  const char* help;
};

// Who follows an operation. `should_stop` is asked now and then whether to end before its time; null:
// never.
struct OperationCallbacks {
  Listener listener;
  std::function<bool()> should_stop;
};

// Something that Strop does with files, as a library calls it: `strop NAME` on the command line.
struct Operation {
  explicit Operation(const OperationTitle& title) : name(title.name), help(title.help) {}

  std::string name;
  std::string help;
  // All that say what to do; what a command has besides is about how its words look.
  std::shared_ptr<OptionSet> options = std::make_shared<OptionSet>();
  // Does what the options say, once, and gives what was found: what the command prints with --json,
  // its lines as an array where it prints several. Prints nothing.
  std::function<absl::StatusOr<nlohmann::ordered_json>(const OperationCallbacks&)> run;
  PathCompletion complete_paths;  // may be empty
};

// In the order of the list of commands.
std::vector<Operation> AllOperations();

// Does what `strop NAME` does with these options: gives them, looks at them together and at the
// paths that they name, and runs. UsageError for an operation or an option that there is not, and as
// the command line otherwise; Cancelled when `should_stop` ended it.
absl::StatusOr<nlohmann::ordered_json> Perform(const std::string& name, const OptionTexts& options,
                                               const OperationCallbacks& callbacks);

}  // namespace strop
