// strop study optimizers: curves at the best rate, and how much the rate matters.

#include <algorithm>
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
  std::vector<double> accuracy;  // a rate
  std::vector<double> loss;      // a rate, of the last epoch
  size_t best = 0;
  std::vector<double> best_accuracies;
  std::vector<double> best_curve;
  std::vector<double> shared_curve;
  double milliseconds = 0;

  int64_t good_rates() const {
    const double bound = accuracy[best] - kNear;
    return std::count_if(accuracy.begin(), accuracy.end(), [&](double a) { return a >= bound; });
  }
};

absl::StatusOr<Measured> Measure(const Laboratory& laboratory, const std::string& name) {
  Measured measured;
  measured.name = name;
  TrainingOptions options = PlainTraining(laboratory);
  STROP_ASSIGN_OR_RETURN(options.graph.optimizer, OptimizerOptionsOf(std::string_view(name)));
  options.epochs = kEpochs;
  for (size_t i = 0; i < std::size(kRates); ++i) {
    options.learning_rate = kRates[i];
    STROP_ASSIGN_OR_RETURN(const Repeated repeated, Repeat(laboratory, PlainNetwork(), options));
    const bool is_whole = repeated.diverged() == 0;
    measured.accuracy.push_back(is_whole ? Mean(repeated.Accuracies()) : 0);
    measured.loss.push_back(is_whole ? Mean(repeated.TrainLosses())
                                     : std::numeric_limits<double>::quiet_NaN());
    if (i == kSharedRate) measured.shared_curve = repeated.EpochCurve();
    if (i > 0 && measured.accuracy[i] <= measured.accuracy[measured.best]) continue;
    measured.best = i;
    measured.best_accuracies = repeated.Accuracies();
    measured.best_curve = repeated.EpochCurve();
    measured.milliseconds = 1e3 * Median(repeated.SecondsPerEpoch());
  }
  return measured;
}

std::vector<Claim> Claims(const std::vector<Measured>& all) {
  const Measured& sgd = all[0];
  const Measured& momentum = all[1];
  const Measured& rmsprop = all[2];
  const Measured& adam = all[3];
  const auto final_loss = [](const Measured& one) {
    return one.shared_curve.empty() ? std::numeric_limits<double>::quiet_NaN()
                                    : one.shared_curve.back();
  };
  const std::string shared = absl::StrCat("loss after ", kEpochs, " epochs at a rate of ",
                                          Number(kRates[kSharedRate]), ": ");
  const auto [low, high] = std::minmax({sgd.accuracy[sgd.best], momentum.accuracy[momentum.best],
                                        rmsprop.accuracy[rmsprop.best], adam.accuracy[adam.best]});
  return {
      {"Momentum is faster than plain gradient descent at the same rate.",
       absl::StrCat(shared, Number(final_loss(momentum)), " with momentum, ",
                    Number(final_loss(sgd)), " without."),
       final_loss(momentum) < final_loss(sgd)},
      {"RMSProp and Adam are faster than plain gradient descent at the same rate.",
       absl::StrCat(shared, Number(final_loss(rmsprop)), " and ", Number(final_loss(adam)),
                    " against ", Number(final_loss(sgd)), "."),
       final_loss(rmsprop) < final_loss(sgd) && final_loss(adam) < final_loss(sgd)},
      {"Adam works over a wider range of rates than gradient descent.",
       absl::StrCat("rates within ", Percent(kNear), " of the own best accuracy: ",
                    adam.good_rates(), " with Adam, ", sgd.good_rates(), " with gradient descent, ",
                    momentum.good_rates(), " with momentum, of ", std::size(kRates), "."),
       adam.good_rates() > sgd.good_rates()},
      {"Adam's best rate is well below gradient descent's.",
       absl::StrCat("best rates: ", Number(kRates[adam.best]), " and ", Number(kRates[sgd.best]),
                    "."),
       kRates[adam.best] * 3 <= kRates[sgd.best]},
      {"Each at its own best rate, all reach about the same accuracy.",
       absl::StrCat("between ", Percent(low), " and ", Percent(high), "."), high - low < kNear}};
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
    STROP_ASSIGN_OR_RETURN(const Measured measured, Measure(laboratory, name));
    result.table.rows.push_back({name, Number(kRates[measured.best]),
                                 PercentOf(measured.best_accuracies),
                                 Number(measured.loss[measured.best]),
                                 absl::StrCat(measured.good_rates(), " of ", std::size(kRates)),
                                 Number(measured.milliseconds)});
    curves.series.push_back({.name = absl::StrCat(name, ", ", Number(kRates[measured.best])),
                             .x = Count(measured.best_curve.size()),
                             .y = measured.best_curve});
    sensitivity.series.push_back({.name = name,
                                  .x = {std::begin(kRates), std::end(kRates)},
                                  .y = measured.accuracy,
                                  .style = LineChart::Style::kLineAndPoints});
    all.push_back(measured);
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
