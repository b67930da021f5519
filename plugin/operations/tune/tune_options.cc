#include "plugin/operations/tune/tune_options.h"

#include "plugin/operations/tune/trial_options.h"
#include "plugin/options/model_options.h"
#include "plugin/options/table/path_role.h"

namespace strop {
namespace {

void AddSearchOptions(OptionSet& set, TuneOptions& options) {
  set.Add(
      "Search",
      {{.name = "search",
        .target = &options.search,
        .value_name = "OPTION=VALUES",
        .is_repeated = true,
        .is_common = true,
        .help = "An option of strop train and its values: learning-rate=log:1e-5:1e-1, "
                "weight-decay=uniform:0:0.1, batch-size=16,32, random-crop=int:1:4"},
       {.name = "search-space",
        .target = &options.search_space,
        .path = PathRole::kInputFile,
        .is_common = true,
        .help = "A TOML file of the same: learning-rate = {min = 1e-5, max = 1e-1, scale = "
                "\"log\"}, batch-size = [16, 32]"},
       {.name = "strategy",
        .target = &options.strategy,
        .choices = {"grid", "random", "sobol", "asha"},
        .has_default = true,
        .is_common = true,
        .help = "grid: all; random; sobol: evenly spread; asha: random, and only the best go on"},
       {.name = "trials",
        .target = &options.trials,
        .range = {.least = 1, .most = 1 << 20},
        .has_default = true,
        .is_common = true,
        .help = "Trainings; of a grid the most that there may be"},
       {.name = "objective",
        .target = &options.objective,
        .value_name = "NAME",
        .is_common = true,
        .help = "What makes a trial good: validation_loss (the default with validation data), "
                "train_loss, or one of the trials' metrics"},
       {.name = "min-epochs",
        .target = &options.min_epochs,
        .unit = "epochs",
        .range = kFromOne,
        .has_default = true,
        .suits = {"strategy", {"asha"}},
        .help = "before any trial may be stopped"},
       {.name = "reduction-factor",
        .target = &options.reduction_factor,
        .range = {.least = 2, .most = 1000},
        .has_default = true,
        .suits = {"strategy", {"asha"}},
        .help = "at each rung one trial of that many goes on"},
       {.name = "search-seed",
        .target = &options.seed,
        .has_default = true,
        .suits = {"strategy", {"random", "sobol", "asha"}},
        .help = "of the draws"}});
}

void AddStudyOptions(OptionSet& set, TuneOptions& options) {
  set.Add(
      "Study",
      {{.name = "jobs",
        .target = &options.jobs,
        .range = kThreads,
        .is_common = true,
        .help = "Trials that run at once; by default one per core"},
       {.name = "threads",
        .target = &options.threads,
        .range = kThreads,
        .help = "Threads of a trial; by default its share of the cores"},
       {.name = "run-directory",
        .target = &options.directory,
        .path = PathRole::kStudy,
        .is_common = true,
        .help = "Keep the journal, and every trial's records and log, there: tensorboard --logdir "
                "compares them, --resume goes on"},
       {.name = "monitor",
        .target = &options.monitor,
        .needs = {"run-directory"},
        .help = "Record gradients and activations of the trials too, and watch their health"},
       {.name = "resume",
        .target = &options.resume,
        .is_common = true,
        .help = "Go on with the study in --run-directory"},
       {.name = "page",
        .target = &options.page,
        .path = PathRole::kOutputFile,
        .is_common = true,
        .help = "Write a page that compares the trials"},
       {.name = "dry-run",
        .target = &options.dry_run,
        .is_common = true,
        .help = "Print the trials' values and train nothing"}});
}

}  // namespace

void AddTuneOptions(OptionSet& set, TuneOptions& options) {
  set.Add({{.name = "MODEL",
            .target = &options.model,
            .path = PathRole::kModel,
            .is_required = true,
            .is_common = true,
            .help = "The ONNX file"},
           RequiredOutput(options.output, "Where the best model goes")});
  AddSearchOptions(set, options);
  AddStudyOptions(set, options);
  AddTrainOptionsTo(set, options.trial);
}

}  // namespace strop
