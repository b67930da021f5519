// The program `strop`: parses the command line, runs one command, and turns its outcome into an
// exit code and at most one line on stderr.

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <cstdio>
#include <exception>
#include <iostream>
#include <new>
#include <vector>

#include "absl/strings/str_cat.h"
#include "plugin/cli/command.h"
#include "plugin/cli/nearest_name.h"
#include "plugin/cli/outcome.h"

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

// What is wrong with the command line, in one line. An argument that nothing knows comes first: it
// often is why a required option seems to be missing.
std::string UsageProblem(const CLI::App& program, const std::vector<Command>& commands,
                         const CLI::ParseError& error) {
  const CLI::App* app = &program;
  for (const Command& command : commands) {
    if (command.app->parsed()) app = command.app;
  }
  std::string problem = error.what();
  const std::vector<std::string> unknown = program.remaining(true);
  if (!unknown.empty() && app == &program) {
    problem = absl::StrCat("unknown command ", unknown[0],
                           DidYouMean(unknown[0], CommandNames(commands)));
  }
  for (const std::string& argument : unknown) {
    if (app == &program) break;
    const std::string name = argument.substr(0, argument.find('='));
    problem = name.starts_with("-")
                  ? absl::StrCat("unknown option ", name, DidYouMean(name, OptionNames(*app)))
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

int RunProgram(int argc, char** argv) {
  CLI::App program(
      "Trains any ONNX model on a CPU and gives back the same file with better weights.", "strop");
  program.set_version_flag("--version", STROP_VERSION);
  program.require_subcommand(1);
  program.get_formatter()->column_width(34);
  const std::vector<Command> commands = {
      AddTrainCommand(program),     AddFindLearningRateCommand(program),
      AddEvaluateCommand(program),  AddRunCommand(program),
      AddGradientCommand(program),  AddCheckCommand(program),
      AddInspectCommand(program),   AddOpsCommand(program),
      AddBenchmarkCommand(program), AddNewCommand(program),
      AddStudyCommand(program),     AddLandscapeCommand(program),
      AddTuneCommand(program),      AddReportCommand(program)};
  try {
    program.parse(argc, argv);
  } catch (const CLI::Success& request) {  // --help, --version
    return program.exit(request);
  } catch (const CLI::ParseError& error) {
    return Fail(kExitUsage, UsageProblem(program, commands, error));
  }
  for (const Command& command : commands) {
    if (!command.app->parsed()) continue;
    const absl::Status status = command.run();
    if (status.ok()) return kExitDone;
    return Fail(ExitCodeOf(status), ErrorLine(command.app->get_name(), status));
  }
  return kExitBug;
}

}  // namespace
}  // namespace strop

int main(int argc, char** argv) {
  try {
    return strop::RunProgram(argc, argv);
  } catch (const std::bad_alloc&) {
    return strop::Fail(strop::kExitInputOutput, "strop: the machine's memory is used up");
  } catch (const std::exception& error) {
    return strop::Fail(strop::kExitBug, absl::StrCat("strop: internal: ", error.what()));
  }
}
