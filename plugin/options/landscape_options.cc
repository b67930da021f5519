#include "plugin/options/landscape_options.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "plugin/options/class_name_options.h"
#include "plugin/options/outcome.h"
#include "plugin/options/parser/path_option.h"

namespace strop {
namespace {

CLI::Validator IsSampleCount() {
  return CLI::Validator(
      [](std::string& text) -> std::string {
        int64_t number = 0;
        if (text == "full" || (absl::SimpleAtoi(text, &number) && number > 0)) return "";
        return absl::StrCat("found \"", text, "\", expected a number from 1 on, or full");
      },
      "N|full", "samples");
}

void AddPlaneOptions(CLI::App& app, LandscapeArguments& arguments) {
  const std::string group = "Plane";
  app.add_option("--resolution", arguments.resolution, "Points along each side")
      ->check(CLI::Range(2, 1001))
      ->capture_default_str()
      ->group(group);
  app.add_option("--range", arguments.range,
                 "How far to go along the random directions, either way; 1: as far as the weights "
                 "are from 0; by default 1")
      ->check(CLI::PositiveNumber)
      ->group(group);
  AddPathOption(app, "--path", arguments.paths, PathRole::kModel,
                "Show the plane of a training instead: its models or checkpoints in order; once "
                "for every training")
      ->type_name("FILE...")
      ->group(group);
  AddPathOption(app, "--run-directory", arguments.run_directories, PathRole::kInputRun,
                "The same for the checkpoints of a run's folder")
      ->allow_extra_args(false)
      ->group(group);
  app.add_option("--margin", arguments.margin,
                 "Room around the paths, as a share of their extent; by default 0.25")
      ->check(CLI::NonNegativeNumber)
      ->group(group);
}

void AddOutputOptions(CLI::App& app, LandscapeArguments& arguments) {
  const std::string group = "Output";
  const auto add = [&](const std::string& name, std::string& path, const std::string& what) {
    return AddPathOption(app, name, path, PathRole::kOutputFile, what)->group(group);
  };
  add("-o,--output", arguments.output, "The page (.html)")->required();
  add("--grid", arguments.grid,
      "The numbers (.npz); a run that was stopped goes on from it; by default beside the page");
  add("--png", arguments.png, "A picture from above, for slides");
  add("--svg", arguments.svg, "The same for print");
  add("--directions", arguments.directions,
      "The two directions by tensor name, as x/NAME and y/NAME (.npz)");
  app.add_flag("--json", arguments.as_json, "A summary as a JSON line")->group(group);
}

}  // namespace

void AddLandscapeOptions(CLI::App& app, LandscapeArguments& arguments) {
  AddModelArgument(app, arguments.model);
  AddDataOptions(app, arguments.data);
  AddClassNamesOption(app, arguments.data);
  AddBatchSizeOption(app, arguments.data.batch_size);
  app.add_option("--samples", arguments.samples, "Samples to measure on, chosen by the seed")
      ->check(IsSampleCount())
      ->capture_default_str()
      ->group("Data");
  AddLossOptions(app, arguments.loss);
  AddPlaneOptions(app, arguments);
  AddOutputOptions(app, arguments);
  AddSelectionOptions(app, arguments.model);
  AddPrecisionOption(app, arguments.model);
  AddThreadsOption(app, arguments.model);
  app.add_option("--jobs", arguments.jobs,
                 "Points measured at the same time, with a share of the threads each; by default "
                 "one per thread")
      ->check(CLI::Range(1, 4096))
      ->group("Engine");
  AddSeedOption(app, arguments.model);
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
