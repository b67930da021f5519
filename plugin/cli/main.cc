// The program `strop`: parses the command line, runs one command, and turns its outcome into an
// exit code and at most one line on stderr.

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <exception>
#include <iostream>
#include <new>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "graph/status_macros.h"
#include "importer/mapped_file.h"
#include "plugin/cli/command.h"
#include "plugin/cli/terminal/standard_streams.h"
#include "plugin/options/outcome.h"
#include "plugin/options/parser/nearest_name.h"
#include "plugin/options/parser/option_list.h"
#include "plugin/options/parser/parse_problem.h"
#include "plugin/options/parser/whole_number.h"

namespace strop {
namespace {

std::vector<std::string> OptionNames(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

std::vector<std::string> CommandNames(const std::vector<Command>& commands) {
  std::vector<std::string> names;
  for (const Command& command : commands) names.push_back(command.app->get_name());
  return names;
}

// What to say of an option that a command does not have: who has it, or what it is like.
std::string AboutUnknown(const std::string& name, const CLI::App& app,
                         const std::vector<Command>& commands) {
  std::vector<std::string> owners;
  for (const Command& command : commands) {
    const std::vector<std::string> names = OptionNames(*command.app);
    if (std::count(names.begin(), names.end(), name) == 0) continue;
    owners.push_back(command.app->get_name());
  }
  if (owners.empty()) return DidYouMean(name, OptionNames(app));
  return absl::StrCat(", which belongs to strop ", absl::StrJoin(owners, ", "));
}

// What is wrong with the command line, in one line. An argument that nothing knows comes first: it
// often is why a required option seems to be missing.
std::string UsageProblem(const CLI::App& program, const std::vector<Command>& commands,
                         const CLI::ParseError& error) {
  const CLI::App* app = &program;
  for (const Command& command : commands) {
    if (command.app->parsed()) app = command.app;
  }
  std::string problem = ParseProblem(*app, error);
  const std::vector<std::string> unknown = program.remaining(true);
  if (!unknown.empty() && app == &program) {
    problem = absl::StrCat("unknown command ", unknown[0],
                           DidYouMean(unknown[0], CommandNames(commands)));
  }
  for (const std::string& argument : unknown) {
    if (app == &program) break;
    const std::string name = argument.substr(0, argument.find('='));
    problem = name.starts_with("-")
                  ? absl::StrCat("unknown option ", name, AboutUnknown(name, *app, commands))
                  : absl::StrCat("unexpected argument ", argument);
    if (name.starts_with("-")) break;
  }
  const std::string command = app == &program ? "" : " " + app->get_name();
  return absl::StrCat("strop", command, ": ", problem, "; see strop", command, " --help");
}

int Fail(int code, const std::string& line) {
  std::fflush(stdout);
  std::fprintf(stderr, "%s\n", line.c_str());
  return code;
}

int Finish(const std::string& command, const absl::Status& status) {
  return status.ok() ? kExitDone : Fail(ExitCodeOf(status), ErrorLine(command, status));
}

// One rule for all options of several values, said where there are such.
void ExplainLists(CLI::App& app) {
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_delimiter() != ',') continue;
    app.footer("Several values of one option: A,B or the option again.\n" + app.get_footer());
    return;
  }
}

// 309 digits are read as infinity, which nobody has typed.
absl::Status CheckNumbersAreFinite(const CLI::App& app) {
  for (const CLI::Option* option : app.get_options()) {
    if (!option->get_type_name().starts_with("FLOAT")) continue;
    for (const std::string& typed : option->results()) {
      double number = 0;
      if (!absl::SimpleAtod(typed, &number) || std::isfinite(number)) continue;
      return UsageError(absl::StrCat(option->get_name(), ": found ", typed.substr(0, 20),
                                     typed.size() > 20 ? "…" : "", ", expected a finite number"));
    }
  }
  return absl::OkStatus();
}

absl::Status RunCommand(const Command& command) {
  STROP_RETURN_IF_ERROR(CheckNumbersAreFinite(*command.app));
  std::vector<CommandPath> paths = TypedPaths(*command.app);
  if (command.complete_paths) command.complete_paths(paths);
  STROP_RETURN_IF_ERROR(CheckPaths(paths));
  return command.run();
}

int RunProgram(int argc, char** argv) {
  CLI::App program(
      "Trains any ONNX model on a CPU and gives back the same file with better weights.", "strop");
  program.set_version_flag("--version", STROP_VERSION);
  program.require_subcommand(1);
  program.get_formatter()->column_width(34);
  const std::vector<Command> commands = {
      AddTrainCommand(program),     AddFindLearningRateCommand(program),
      AddExportCommand(program),    AddEvaluateCommand(program),
      AddPredictCommand(program),   AddRunCommand(program),
      AddGradientCommand(program),  AddCheckCommand(program),
      AddInspectCommand(program),   AddOpsCommand(program),
      AddBenchmarkCommand(program), AddNewCommand(program),
      AddStudyCommand(program),     AddLandscapeCommand(program),
      AddTuneCommand(program),      AddReportCommand(program)};
  for (const Command& command : commands) ExplainLists(*command.app);
  program
      .add_flag_callback("--list-options",
                         [&commands] { throw CLI::CallForVersion(OptionListJson(commands), 0); })
      ->group("");  // for programs
  for (const Command& command : commands) ReadWholeNumbers(*command.app);
  try {
    program.parse(argc, argv);
  } catch (const CLI::Success& request) {  // --help, --version
    program.exit(request);
    return Finish("", FlushStandardOutput());
  } catch (const CLI::ParseError& error) {
    return Fail(kExitUsage, UsageProblem(program, commands, error));
  }
  for (const Command& command : commands) {
    if (!command.app->parsed()) continue;
    absl::Status status = RunCommand(command);
    if (!absl::IsDataLoss(status) && !CheckMappedFiles().ok()) status = CheckMappedFiles();
    status.Update(FlushStandardOutput());
    return Finish(command.app->get_name(), status);
  }
  return kExitBug;
}

}  // namespace
}  // namespace strop

int main(int argc, char** argv) {
  strop::PrepareStandardStreams();
  try {
    return strop::RunProgram(argc, argv);
  } catch (const std::bad_alloc&) {
    return strop::Fail(strop::kExitInputOutput, "strop: the machine's memory is used up");
  } catch (const std::exception& error) {
    return strop::Fail(strop::kExitBug, absl::StrCat("strop: internal: ", error.what()));
  }
}
