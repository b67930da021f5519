#include "plugin/options/run_options.h"

#include <optional>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "plugin/options/outcome.h"
#include "plugin/options/table/path_role.h"

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

std::string IntervalProblem(const std::string& text) {
  if (ParseInterval(text)) return "";
  return absl::StrCat("found \"", text, "\", expected steps, or a time as 500s, 10m or 2h");
}

}  // namespace

void AddRunFolderOptions(OptionSet& options, RunArguments& arguments) {
  options.Add(
      "Run directory",
      {{.name = "run-directory",
        .target = &arguments.directory,
        .path = PathRole::kRun,
        .is_common = true,
        .may_change_on_resume = true,
        .is_set_by_tuner = true,
        .comparison = Comparison::kNever,
        .help = "Keep the run in this folder: options, records, checkpoints"},
       {.name = "checkpoint-every",
        .target = &arguments.checkpoint_every,
        .value_name = "STEPS|TIME",
        .problem = IntervalProblem,
        .may_change_on_resume = true,
        .is_set_by_tuner = true,
        .comparison = Comparison::kNever,
        .help = "Save every so many steps, or as often as 500s, 10m or 2h, besides every epoch"},
       {.name = "keep",
        .target = &arguments.keep,
        .unit = "checkpoints",
        .range = {.least = 0, .most = double{1LL << 31}},
        .has_default = true,
        .may_change_on_resume = true,
        .is_set_by_tuner = true,
        .comparison = Comparison::kNever,
        .help = "Newest checkpoints that stay, besides the best one; 0: save none"},
       {.name = "resume",
        .target = &arguments.resume,
        .is_common = true,
        .is_of_the_moment = true,
        .is_set_by_tuner = true,
        .comparison = Comparison::kNever,
        .help = "Go on from the newest checkpoint of the run"}});
  options.Add("Run",
              {{.name = "dry-run",
                .target = &arguments.is_dry,
                .is_of_the_moment = true,
                .is_set_by_tuner = true,
                .comparison = Comparison::kNever,
                .help = "Only say what would be trained, with how much memory and time; write "
                        "nothing"},
               {.name = "parent-process",
                .target = &arguments.parent,
                .is_hidden = true,
                .is_of_the_moment = true,
                .is_set_by_tuner = true,
                .comparison = Comparison::kNever,
                .help = "The process with which the run ends"}});
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
