#include "plugin/options/averaging_options.h"

#include "graph/status_macros.h"
#include "plugin/options/model_options.h"
#include "plugin/options/outcome.h"
#include "plugin/options/parser/whole_number.h"

namespace strop {

void AddAveragingOptions(CLI::App& app, AveragingArguments& arguments) {
  const std::string group = "Averages of the weights";
  app.add_option("--ema-decay", arguments.ema_decay,
                 "Validate and export an exponential moving average of the weights, 0.999 say, "
                 "taken after every step")
      ->group(group);
  CLI::Option* start =
      app.add_option("--swa-start", arguments.swa_start,
                     "Export the mean of the weights at the end of every epoch from EPOCH on "
                     "(stochastic weight averaging); validation on the way sees the plain weights")
          ->type_name("EPOCH")
          ->transform(WholeNumber(/*has_sign=*/true))
          ->check(CLI::PositiveNumber)
          ->group(group);
  app.add_option("--swa-learning-rate", arguments.swa_learning_rate,
                 "The rate that those epochs go to")
      ->needs(start)
      ->check(CLI::NonNegativeNumber)
      ->group(group);
  app.add_option("--swa-anneal-epochs", arguments.swa_anneal_epochs,
                 "Epochs in which they go there (10)")
      ->needs(start)
      ->check(CLI::NonNegativeNumber)
      ->group(group);
  app.add_option("--swa-anneal-strategy", arguments.swa_anneal_strategy, "How they go there (cos)")
      ->needs(start)
      ->check(OneOf({"cos", "linear"}))
      ->group(group);
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
