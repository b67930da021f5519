// strop study optimizers: curves at the best rate, and how much the rate matters.

#include <algorithm>
#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "plugin/study/statistics.h"
#include "plugin/study/study.h"
#include "plugin/study/sweep.h"

namespace strop {
namespace {

constexpr int64_t kEpochs = 10;
constexpr double kRates[] = {1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1};
constexpr size_t kSharedRate = 4;  // 0.01
constexpr double kNear = 0.03;     // of accuracy: as good as the best

struct Measured {
  std::string name;
  std::vector<double> accuracy;  // a rate, the mean of the seeds
  std::vector<double> loss;      // a rate, of the last epoch
  size_t best = 0;
  std::vector<std::vector<double>> accuracies;  // [rates][seeds]; 0 where a run diverged
  std::vector<double> best_curve;
  std::vector<double> shared_losses;  // of the last epoch at the shared rate, a seed
  std::vector<double> seconds;        // an epoch, in rounds with the others

  int64_t good_rates() const {
    const double bound = accuracy[best] - kNear;
    return std::count_if(accuracy.begin(), accuracy.end(), [&](double a) { return a >= bound; });
  }
};

// What one seed alone says of an optimizer.
struct OfSeed {
  double best_rate = 0;
  double best_accuracy = -1;
  double good_rates = 0;
};

OfSeed SeedOf(const Measured& measured, size_t seed) {
  OfSeed found;
  for (size_t i = 0; i < std::size(kRates); ++i) {
    if (measured.accuracies[i][seed] <= found.best_accuracy) continue;
    found.best_accuracy = measured.accuracies[i][seed];
    found.best_rate = kRates[i];
  }
  for (const std::vector<double>& accuracies : measured.accuracies) {
    found.good_rates += accuracies[seed] >= found.best_accuracy - kNear ? 1 : 0;
  }
  return found;
}

absl::StatusOr<TrainingOptions> OptionsOf(const Laboratory& laboratory, const std::string& name) {
  TrainingOptions options = PlainTraining(laboratory);
  STROP_ASSIGN_OR_RETURN(options.graph.optimizer, OptimizerOptionsOf(std::string_view(name)));
  options.epochs = kEpochs;
  return options;
}

absl::StatusOr<Measured> Measure(const Laboratory& laboratory, const std::string& name) {
  Measured measured;
  measured.name = name;
  STROP_ASSIGN_OR_RETURN(TrainingOptions options, OptionsOf(laboratory, name));
  for (size_t i = 0; i < std::size(kRates); ++i) {
    options.learning_rate = kRates[i];
    STROP_ASSIGN_OR_RETURN(const Repeated repeated, Repeat(laboratory, PlainNetwork(), options));
    const bool is_whole = repeated.diverged() == 0;
    std::vector<double>& accuracies = measured.accuracies.emplace_back();
    for (const double accuracy : repeated.Accuracies()) {
      accuracies.push_back(std::isnan(accuracy) ? 0 : accuracy);
    }
    measured.accuracy.push_back(is_whole ? Mean(accuracies) : 0);
    measured.loss.push_back(is_whole ? Mean(repeated.TrainLosses())
                                     : std::numeric_limits<double>::quiet_NaN());
    if (i == kSharedRate) measured.shared_losses = repeated.TrainLosses();
    if (i > 0 && measured.accuracy[i] <= measured.accuracy[measured.best]) continue;
    measured.best = i;
    measured.best_curve = repeated.EpochCurve();
  }
  return measured;
}

// Adds what an epoch takes.
absl::Status Time(const Laboratory& laboratory, std::vector<Measured>& all) {
  STROP_ASSIGN_OR_RETURN(const ImportedModel model, laboratory.ModelOr(PlainNetwork(), 0));
  std::vector<TimedTraining> trainings;
  for (const Measured& one : all) {
    STROP_ASSIGN_OR_RETURN(TrainingOptions options, OptionsOf(laboratory, one.name));
    options.learning_rate = kRates[one.best];
    trainings.push_back({model, std::move(options)});
  }
  STROP_ASSIGN_OR_RETURN(const auto seconds, TimeInTurn(laboratory, trainings));
  for (size_t i = 0; i < all.size(); ++i) all[i].seconds = seconds[i];
  return absl::OkStatus();
}

// All in the order of Run.
std::vector<Claim> Claims(const std::vector<Measured>& all) {
  const Measured& sgd = all[0];
  const Measured& momentum = all[1];
  const Measured& rmsprop = all[2];
  const Measured& adam = all[3];
  const std::string shared = absl::StrCat("loss after ", kEpochs, " epochs at a rate of ",
                                          Number(kRates[kSharedRate]), ": ");
  std::vector<double> wider;     // good rates of Adam more than of gradient descent
  std::vector<double> lower;     // how much lower Adam's best rate is than a third of the other's
  std::vector<double> likeness;  // how far all are from differing
  for (size_t seed = 0; seed < sgd.shared_losses.size(); ++seed) {
    const OfSeed of_sgd = SeedOf(sgd, seed);
    const OfSeed of_adam = SeedOf(adam, seed);
    wider.push_back(of_adam.good_rates - of_sgd.good_rates);
    lower.push_back(std::log(of_sgd.best_rate / of_adam.best_rate) - std::log(2.99));
    const auto [low, high] =
        std::minmax({of_sgd.best_accuracy, of_adam.best_accuracy,
                     SeedOf(momentum, seed).best_accuracy, SeedOf(rmsprop, seed).best_accuracy});
    likeness.push_back(kNear - (high - low));
  }
  const auto [low, high] = std::minmax({sgd.accuracy[sgd.best], momentum.accuracy[momentum.best],
                                        rmsprop.accuracy[rmsprop.best], adam.accuracy[adam.best]});
  return {
      {"Momentum is faster than plain gradient descent at the same rate.",
       "Polyak 1964; Sutskever, Martens, Dahl and Hinton 2013",
       absl::StrCat(shared, WithError(momentum.shared_losses), " with momentum, ",
                    WithError(sgd.shared_losses), " without."),
       IsAbove(Differences(sgd.shared_losses, momentum.shared_losses))},
      {"RMSProp and Adam are faster than plain gradient descent at the same rate.",
       "Tieleman and Hinton 2012; Kingma and Ba 2015",
       absl::StrCat(shared, WithError(rmsprop.shared_losses), " and ",
                    WithError(adam.shared_losses), " against ", WithError(sgd.shared_losses), "."),
       Both(IsAbove(Differences(sgd.shared_losses, rmsprop.shared_losses)),
            IsAbove(Differences(sgd.shared_losses, adam.shared_losses)))},
      {"Adam works over a wider range of rates than gradient descent.",
       "Goodfellow, Bengio and Courville, Deep Learning, 2016, 8.5.3",
       absl::StrCat("rates within ", Percent(kNear), " of the own best accuracy: ",
                    adam.good_rates(), " with Adam, ", sgd.good_rates(), " with gradient descent, ",
                    momentum.good_rates(), " with momentum, of ", std::size(kRates), "."),
       IsAbove(wider)},
      {"Adam's best rate is well below gradient descent's.",
       "Kingma and Ba 2015, whose default is 0.001",
       absl::StrCat("best rates: ", Number(kRates[adam.best]), " and ", Number(kRates[sgd.best]),
                    "."),
       IsAbove(lower)},
      {"Each at its own best rate, all reach about the same accuracy.",
       "Schmidt, Schneider and Hennig 2021, Descending through a crowded valley",
       absl::StrCat("between ", Percent(low), " and ", Percent(high), "."), IsAbove(likeness)}};
}

absl::StatusOr<StudyResult> Run(Laboratory& laboratory) {
  StudyResult result;
  result.setting = absl::StrCat(Describe(laboratory), "; batches of 32, ", kEpochs, " epochs, ",
                                std::size(kRates), " rates, ", laboratory.seeds(), " seeds");
  result.table.header = {"optimizer", "best rate",  "accuracy there",
                         "last loss", "good rates", "ms an epoch"};
  LineChart curves = {.title = "Training loss, each at its best rate",
                      .x = {.title = "epoch"},
                      .y = {.title = "loss", .is_log = true}};
  LineChart sensitivity = {.title = "Accuracy by rate",
                           .caption =
                               "A broad top forgives a badly chosen rate. Runs that "
                               "diverged count as 0.",
                           .x = {.title = "learning rate", .is_log = true},
                           .y = {.title = "validation accuracy"}};
  std::vector<Measured> all;
  for (const char* name : {"sgd", "momentum", "rmsprop", "adam"}) {
    STROP_ASSIGN_OR_RETURN(all.emplace_back(), Measure(laboratory, name));
  }
  STROP_RETURN_IF_ERROR(Time(laboratory, all));
  for (const Measured& measured : all) {
    const std::string& name = measured.name;
    result.table.rows.push_back({name, Number(kRates[measured.best]),
                                 PercentOf(measured.accuracies[measured.best]),
                                 Number(measured.loss[measured.best]),
                                 absl::StrCat(measured.good_rates(), " of ", std::size(kRates)),
                                 Number(1e3 * Median(measured.seconds))});
    curves.series.push_back({.name = absl::StrCat(name, ", ", Number(kRates[measured.best])),
                             .x = Count(measured.best_curve.size()),
                             .y = measured.best_curve});
    sensitivity.series.push_back({.name = name,
                                  .x = {std::begin(kRates), std::end(kRates)},
                                  .y = measured.accuracy,
                                  .style = LineChart::Style::kLineAndPoints});
  }
  result.claims = Claims(all);
  result.charts = {Draw(curves), Draw(sensitivity)};
  return result;
}

}  // namespace

Study OptimizersStudy() {
  return {"optimizers", "Which optimizer learns fastest, and how much does its rate matter?", true,
          Run};
}

}  // namespace strop
