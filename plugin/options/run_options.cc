#include "plugin/options/run_options.h"

#include <optional>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "plugin/options/outcome.h"
#include "plugin/options/parser/path_option.h"

namespace strop {
namespace {

// "500" steps, "500s", "10m", "2h".
std::optional<CheckpointPolicy> ParseInterval(const std::string& text) {
  CheckpointPolicy policy;
  double seconds = 0;
  if (absl::SimpleAtoi(text, &policy.steps)) {
    return policy.steps > 0 ? std::optional(policy) : std::nullopt;
  }
  const char unit = text.empty() ? '\0' : text.back();
  const double factor = unit == 's' ? 1 : unit == 'm' ? 60 : unit == 'h' ? 3600 : 0;
  const bool is_time = factor > 0 && absl::SimpleAtod(text.substr(0, text.size() - 1), &seconds);
  if (!is_time || !(seconds > 0)) return std::nullopt;
  policy.seconds = seconds * factor;
  return policy;
}

CLI::Validator IsInterval() {
  return CLI::Validator(
      [](std::string& text) -> std::string {
        if (ParseInterval(text)) return "";
        return absl::StrCat("found \"", text, "\", expected steps, or a time as 500s, 10m or 2h");
      },
      "STEPS|TIME", "interval");
}

}  // namespace

void AddRunFolderOptions(CLI::App& app, RunArguments& arguments) {
  const std::string group = "Run directory";
  AddPathOption(app, "--run-directory", arguments.directory, PathRole::kRun,
                "Keep the run in this folder: options, records, checkpoints")
      ->group(group);
  app.add_option("--checkpoint-every", arguments.checkpoint_every,
                 "Save every so many steps, or as often as 500s, 10m or 2h, besides every epoch")
      ->check(IsInterval())
      ->group(group);
  app.add_option("--keep", arguments.keep,
                 "Newest checkpoints that stay, besides the best one; 0: save none")
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 31))
      ->capture_default_str()
      ->group(group);
  app.add_flag("--resume", arguments.resume, "Go on from the newest checkpoint of the run")
      ->configurable(false)
      ->group(group);
  app.add_flag("--dry-run", arguments.is_dry,
               "Only say what would be trained, with how much memory and time; write nothing")
      ->configurable(false)
      ->group("Run");
  app.add_option("--parent-process", arguments.parent)->configurable(false)->group("");
}

absl::Status CheckRunArguments(const RunArguments& arguments) {
  const bool needs_checkpoints = arguments.resume || !arguments.checkpoint_every.empty();
  if (arguments.keep == 0 && needs_checkpoints) {
    return UsageError("--keep 0 saves no checkpoints; leave --resume and --checkpoint-every out");
  }
  if (!arguments.directory.empty()) return absl::OkStatus();
  if (arguments.resume) return UsageError("--resume needs the run's folder; add --run-directory");
  if (arguments.checkpoint_every.empty()) return absl::OkStatus();
  return UsageError("--checkpoint-every needs a folder for the run; add --run-directory");
}

CheckpointPolicy CheckpointPolicyOf(const RunArguments& arguments) {
  CheckpointPolicy policy = ParseInterval(arguments.checkpoint_every).value_or(CheckpointPolicy());
  policy.keep = arguments.keep;
  return policy;
}

}  // namespace strop
