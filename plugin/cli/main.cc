// The program `strop`: parses the command line, runs one command, and turns its outcome into an
// exit code and at most one line on stderr.

#include <cstdio>
#include <exception>
#include <new>
#include <vector>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "importer/mapped_file.h"
#include "plugin/cli/command.h"
#include "plugin/cli/command_line.h"
#include "plugin/cli/terminal/standard_streams.h"
#include "plugin/cli/terminal/stop_signal.h"
#include "plugin/cli/terminal/terminal_listener.h"
#include "plugin/options/outcome.h"

namespace strop {
namespace {

int Fail(int code, const std::string& line) {
  ClearProgress();
  std::fflush(stdout);
  std::fprintf(stderr, "%s\n", line.c_str());
  return code;
}

int Finish(const std::string& command, const absl::Status& status) {
  return status.ok() ? kExitDone : Fail(ExitCodeOf(status), ErrorLine(command, status));
}

absl::Status Run(const Command& command) {
  STROP_RETURN_IF_ERROR(CheckGivenPaths(*command.options, command.complete_paths));
  return BySignal(CaughtSignal(), command.run());
}

int RunProgram(const std::vector<std::string>& words) {
  const std::vector<Command> commands = {TrainCommand(),     FindLearningRateCommand(),
                                         ExportCommand(),    EvaluateCommand(),
                                         PredictCommand(),   RunCommand(),
                                         GradientCommand(),  CheckCommand(),
                                         InspectCommand(),   OpsCommand(),
                                         BenchmarkCommand(), NewCommand(),
                                         StudyCommand(),     LandscapeCommand(),
                                         TuneCommand(),      ReportCommand()};
  const ParsedCommandLine parsed = ParseCommandLine(commands, words);
  if (parsed.is_answered) return Finish("", FlushStandardOutput());
  const std::string name = parsed.command == nullptr ? "" : parsed.command->name;
  if (!parsed.status.ok()) return Finish(name, parsed.status);
  absl::Status status = Run(*parsed.command);
  if (!absl::IsDataLoss(status) && !CheckMappedFiles().ok()) status = CheckMappedFiles();
  status.Update(FlushStandardOutput());
  return Finish(name, status);
}

}  // namespace
}  // namespace strop

int main(int argc, char** argv) {
  strop::PrepareStandardStreams();
  try {
    return strop::RunProgram({argv + 1, argv + argc});
  } catch (const std::bad_alloc&) {
    return strop::Fail(strop::kExitInputOutput, "strop: the machine's memory is used up");
  } catch (const std::exception& error) {
    return strop::Fail(strop::kExitBug, absl::StrCat("strop: internal: ", error.what()));
  }
}
