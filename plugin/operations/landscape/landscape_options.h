#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "plugin/options/data_options.h"
#include "plugin/options/loss_options.h"
#include "plugin/options/model_options.h"
#include "plugin/options/table/option_set.h"
#include "plugin/options/table/path_conflict.h"

namespace strop {

// `strop landscape` as typed.
struct LandscapeArguments {
  ModelOptions model;
  DataArguments data;
  LossArguments loss;
  int64_t resolution = 41;
  std::optional<double> range;                  // of random directions; 1 when nothing was typed
  std::optional<double> margin;                 // around paths; 0.25 when nothing was typed
  std::vector<std::vector<std::string>> paths;  // files, a list a training
  std::vector<std::string> run_directories;
  std::string samples = "512";  // a number or "full"
  int jobs = 0;                 // 0: chosen
  std::string output;
  std::string grid;  // empty: the output's name with .npz
  std::string png;
  std::string svg;
  std::string directions;

  bool has_paths() const { return !paths.empty() || !run_directories.empty(); }
};

void AddLandscapeOptions(OptionSet& options, LandscapeArguments& arguments);

// The file of the numbers.
std::string GridPathOf(const LandscapeArguments& arguments);
// Adds that file where no option names it.
void CompleteLandscapePaths(const LandscapeArguments& arguments, std::vector<CommandPath>& paths);

// Refuses what does not go together: UsageError.
absl::Status CheckLandscapeArguments(const LandscapeArguments& arguments);

}  // namespace strop
