#include "plugin/operations/landscape/landscape_options.h"

#include <filesystem>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "plugin/options/class_name_options.h"
#include "plugin/options/outcome.h"
#include "plugin/options/table/path_role.h"

namespace strop {
namespace {

std::string SampleProblem(const std::string& text) {
  int64_t number = 0;
  if (text == "full" || (absl::SimpleAtoi(text, &number) && number > 0)) return "";
  return absl::StrCat("found \"", text, "\", expected a number from 1 on, or full");
}

void AddPlaneOptions(OptionSet& options, LandscapeArguments& arguments) {
  options.Add(
      "Plane",
      {{.name = "resolution",
        .target = &arguments.resolution,
        .unit = "points",
        .range = {.least = 2, .most = 1001},
        .has_default = true,
        .is_common = true,
        .help = "Points along each side"},
       {.name = "range",
        .target = &arguments.range,
        .range = kAboveZero,
        .is_common = true,
        .help = "How far to go along the random directions, either way; 1: as far as the weights "
                "are from 0; by default 1"},
       {.name = "path",
        .target = &arguments.paths,
        .value_name = "FILE...",
        .path = PathRole::kModel,
        .is_common = true,
        .help = "Show the plane of a training instead: its models or checkpoints in order; once "
                "for every training"},
       {.name = "run-directory",
        .target = &arguments.run_directories,
        .path = PathRole::kInputRun,
        .is_repeated = true,
        .is_common = true,
        .help = "The same for the checkpoints of a run's folder"},
       {.name = "margin",
        .target = &arguments.margin,
        .range = kFromZero,
        .help = "Room around the paths, as a share of their extent; by default 0.25"}});
}

void AddOutputOptions(OptionSet& options, LandscapeArguments& arguments) {
  options.Add(
      "Output",
      {RequiredOutput(arguments.output, "The page (.html)"),
       {.name = "grid",
        .target = &arguments.grid,
        .path = PathRole::kOutputFile,
        .help = "The numbers (.npz); a run that was stopped goes on from it; by default beside "
                "the page"},
       {.name = "png",
        .target = &arguments.png,
        .path = PathRole::kOutputFile,
        .is_common = true,
        .help = "A picture from above, for slides"},
       {.name = "svg",
        .target = &arguments.svg,
        .path = PathRole::kOutputFile,
        .is_common = true,
        .help = "The same for print"},
       {.name = "directions",
        .target = &arguments.directions,
        .path = PathRole::kOutputFile,
        .help = "The two directions by tensor name, as x/NAME and y/NAME (.npz)"}});
}

}  // namespace

void AddLandscapeOptions(OptionSet& options, LandscapeArguments& arguments) {
  AddModelArgument(options, arguments.model);
  AddDataOptions(options, arguments.data);
  AddClassNamesOption(options, arguments.data);
  AddBatchSizeOption(options, arguments.data.batch_size);
  options.Add(kDataGroup, {{.name = "samples",
                            .target = &arguments.samples,
                            .value_name = "N|full",
                            .unit = "samples",
                            .problem = SampleProblem,
                            .has_default = true,
                            .is_common = true,
                            .help = "Samples to measure on, chosen by the seed"}});
  AddLossOptions(options, arguments.loss);
  AddPlaneOptions(options, arguments);
  AddOutputOptions(options, arguments);
  AddSelectionOptions(options, arguments.model);
  AddPrecisionOption(options, arguments.model);
  AddThreadsOption(options, arguments.model);
  options.Add("Engine",
              {{.name = "jobs",
                .target = &arguments.jobs,
                .range = kThreads,
                .help = "Points measured at the same time, with a share of the threads each; by "
                        "default one per thread"}});
  AddSeedOption(options, arguments.model);
}

std::string GridPathOf(const LandscapeArguments& arguments) {
  if (!arguments.grid.empty()) return arguments.grid;
  return std::filesystem::path(arguments.output).replace_extension(".npz").string();
}

void CompleteLandscapePaths(const LandscapeArguments& arguments, std::vector<CommandPath>& paths) {
  if (!arguments.grid.empty()) return;
  paths.push_back({"the grid beside -o", GridPathOf(arguments), PathRole::kOutputFile});
}

absl::Status CheckLandscapeArguments(const LandscapeArguments& arguments) {
  if (arguments.has_paths() && arguments.range) {
    return UsageError("--range is of random directions; a path's plane takes --margin");
  }
  if (!arguments.has_paths() && arguments.margin) {
    return UsageError(
        "--margin is room around a path; give one with --path or --run-directory, "
        "or use --range");
  }
  return absl::OkStatus();
}

}  // namespace strop
