#include "plugin/options/averaging_options.h"

#include "graph/status_macros.h"
#include "plugin/options/model_options.h"
#include "plugin/options/outcome.h"

namespace strop {

void AddAveragingOptions(OptionSet& options, AveragingArguments& arguments) {
  options.Add(
      "Averages of the weights",
      {{.name = "ema-decay",
        .target = &arguments.ema_decay,
        .help = "Validate and export an exponential moving average of the weights, 0.999 say, "
                "taken after every step"},
       {.name = "swa-start",
        .target = &arguments.swa_start,
        .value_name = "EPOCH",
        .unit = "epochs",
        .range = kFromOne,
        .help = "Export the mean of the weights at the end of every epoch from EPOCH on "
                "(stochastic weight averaging); validation on the way sees the plain weights"},
       {.name = "swa-learning-rate",
        .target = &arguments.swa_learning_rate,
        .range = kFromZero,
        .needs = {"swa-start"},
        .help = "The rate that those epochs go to"},
       {.name = "swa-anneal-epochs",
        .target = &arguments.swa_anneal_epochs,
        .unit = "epochs",
        .range = kFromZero,
        .needs = {"swa-start"},
        .help = "Epochs in which they go there (10)"},
       {.name = "swa-anneal-strategy",
        .target = &arguments.swa_anneal_strategy,
        .choices = {"cos", "linear"},
        .needs = {"swa-start"},
        .help = "How they go there (cos)"}});
}

absl::StatusOr<AveragingOptions> AveragingOptionsOf(const AveragingArguments& typed) {
  if (typed.swa_start && !typed.swa_learning_rate) {
    return UsageError("--swa-start needs --swa-learning-rate");
  }
  AveragingOptions options;
  options.ema_decay = typed.ema_decay;
  options.swa_start = typed.swa_start;
  options.swa_learning_rate = typed.swa_learning_rate.value_or(options.swa_learning_rate);
  options.swa_anneal_epochs = typed.swa_anneal_epochs.value_or(options.swa_anneal_epochs);
  options.swa_anneals_linearly = typed.swa_anneal_strategy == "linear";
  const absl::Status status = CheckAveragingOptions(options);
  if (!status.ok()) return UsageError(std::string(status.message()));
  return options;
}

}  // namespace strop
