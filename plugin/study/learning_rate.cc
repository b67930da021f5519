// strop study learning-rate: too low, good, too high, divergence.

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
constexpr double kRates[] = {1e-4, 1e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1, 3, 10, 100};

enum class Regime { kTooLow, kGood, kTooHigh, kDiverged };

struct Measured {
  double rate = 0;
  double first_loss = 0;
  double last_loss = 0;  // of the last epoch; infinite when a run diverged
  double roughness = 0;  // mean rise of the loss over the steps where it rose, of its mean
  Regime regime = Regime::kGood;
  // Of the mean of the seeds:
  std::vector<double> accuracies;
  std::vector<double> curve;
};

// All rates, as one seed or the mean of all has them.
using Sweep = std::vector<Measured>;

double Roughness(const std::vector<double>& losses) {
  double rises = 0;
  for (size_t i = 1; i < losses.size(); ++i) rises += std::max(0.0, losses[i] - losses[i - 1]);
  return rises / static_cast<double>(losses.size()) / Mean(losses);
}

Measured OfSeed(const Experiment& run, double rate) {
  Measured measured;
  measured.rate = rate;
  measured.first_loss = run.step_losses.empty() ? std::nan("") : run.step_losses[0];
  measured.roughness = run.step_losses.empty() ? std::nan("") : Roughness(run.step_losses);
  measured.last_loss =
      run.has_diverged ? std::numeric_limits<double>::infinity() : run.train_loss();
  return measured;
}

Measured MeanOf(const std::vector<Measured>& seeds) {
  Measured mean;
  mean.rate = seeds[0].rate;
  std::vector<double> first;
  std::vector<double> last;
  std::vector<double> roughness;
  for (const Measured& seed : seeds) {
    first.push_back(seed.first_loss);
    last.push_back(seed.last_loss);
    roughness.push_back(seed.roughness);
  }
  const bool has_diverged =
      std::any_of(last.begin(), last.end(), [](double loss) { return std::isinf(loss); });
  mean.first_loss = Mean(first);
  mean.last_loss = has_diverged ? std::numeric_limits<double>::infinity() : Mean(last);
  mean.roughness = Mean(roughness);
  return mean;
}

// Adds a rate to the sweep of each seed and to that of their mean.
absl::Status Measure(const Laboratory& laboratory, double rate, std::vector<Sweep>& seeds,
                     Sweep& all) {
  TrainingOptions options = PlainTraining(laboratory);
  options.learning_rate = rate;
  options.epochs = kEpochs;
  STROP_ASSIGN_OR_RETURN(const Repeated repeated, Repeat(laboratory, PlainNetwork(), options));
  std::vector<Measured> of_seeds;
  for (size_t seed = 0; seed < seeds.size(); ++seed) {
    of_seeds.push_back(OfSeed(repeated.runs[seed], rate));
    seeds[seed].push_back(of_seeds.back());
  }
  Measured& mean = all.emplace_back(MeanOf(of_seeds));
  mean.accuracies = repeated.Accuracies();
  mean.curve = repeated.EpochCurve();
  return absl::OkStatus();
}

// Against the best run: below its rate and far from its loss is too low, above it and far is too
// high; a loss that did not fall at all, or is no number, is divergence.
void Judge(Sweep& all) {
  const Measured best = *std::min_element(
      all.begin(), all.end(),
      [](const Measured& a, const Measured& b) { return a.last_loss < b.last_loss; });
  for (Measured& one : all) {
    const double progress = (one.first_loss - one.last_loss) / (best.first_loss - best.last_loss);
    if (one.rate > best.rate && !(one.last_loss < 0.98 * one.first_loss)) {
      one.regime = Regime::kDiverged;
    } else if (progress < 0.9) {
      one.regime = one.rate < best.rate ? Regime::kTooLow : Regime::kTooHigh;
    }
  }
}

const char* NameOf(Regime regime) {
  switch (regime) {
    case Regime::kTooLow:
      return "too low";
    case Regime::kGood:
      return "good";
    case Regime::kTooHigh:
      return "too high";
    case Regime::kDiverged:
      return "diverged";
  }
  return "";
}

std::string RatesOf(const Sweep& all, Regime regime) {
  std::string text;
  for (const Measured& one : all) {
    if (one.regime == regime) absl::StrAppend(&text, text.empty() ? "" : ", ", Number(one.rate));
  }
  return text.empty() ? "none" : text;
}

bool Has(const Sweep& sweep, Regime regime) {
  return std::any_of(sweep.begin(), sweep.end(),
                     [regime](const Measured& one) { return one.regime == regime; });
}

// Whether every seed has the regime, or none.
Verdict SeedsHave(const std::vector<Sweep>& seeds, Regime regime) {
  std::vector<bool> answers;
  for (const Sweep& sweep : seeds) answers.push_back(Has(sweep, regime));
  return AllSay(answers);
}

Verdict SeedsAreOrdered(const std::vector<Sweep>& seeds) {
  std::vector<bool> answers;
  for (const Sweep& sweep : seeds) {
    answers.push_back(
        std::is_sorted(sweep.begin(), sweep.end(),
                       [](const Measured& a, const Measured& b) { return a.regime < b.regime; }));
  }
  return AllSay(answers);
}

// Of the highest rate in the regime; NaN without one.
double RoughnessOf(const Sweep& sweep, Regime regime) {
  double roughness = std::nan("");
  for (const Measured& one : sweep) {
    if (one.regime == regime) roughness = one.roughness;
  }
  return roughness;
}

// How many times the lowest good rate the highest is.
double GoodRange(const Sweep& sweep) {
  double first = 0;
  double last = 0;
  for (const Measured& one : sweep) {
    if (one.regime != Regime::kGood) continue;
    if (first == 0) first = one.rate;
    last = one.rate;
  }
  return first == 0 ? 1 : last / first;
}

std::vector<Claim> Claims(const std::vector<Sweep>& seeds, const Sweep& all) {
  const std::string book = "Goodfellow, Bengio and Courville, Deep Learning, 2016, 11.4.1";
  std::vector<double> low;
  std::vector<double> high;
  for (const Sweep& sweep : seeds) {
    low.push_back(RoughnessOf(sweep, Regime::kTooLow));
    high.push_back(RoughnessOf(sweep, Regime::kGood));
  }
  return {{"A rate that is too low learns too slowly to arrive.", book,
           absl::StrCat("too low: ", RatesOf(all, Regime::kTooLow), "."),
           SeedsHave(seeds, Regime::kTooLow)},
          {"Between too low and too high lies a good range.", book,
           absl::StrCat("good: ", RatesOf(all, Regime::kGood), "; a factor of ",
                        Number(GoodRange(all)), " wide."),
           Both(SeedsHave(seeds, Regime::kGood), SeedsAreOrdered(seeds))},
          {"Larger rates make the loss jump from step to step.", "Bengio 2012, 3.1.1",
           absl::StrCat("mean rise of the loss a step, of its mean: ", PercentOf(low),
                        " at the highest of the low rates, ", PercentOf(high),
                        " at the highest good one."),
           IsAbove(Differences(high, low))},
          {"A rate that is too high oscillates without arriving before it diverges.", book,
           absl::StrCat("too high: ", RatesOf(all, Regime::kTooHigh), "."),
           SeedsHave(seeds, Regime::kTooHigh)},
          {"Still higher, the loss diverges.", "Bengio 2012, 3.1.1",
           absl::StrCat("diverged: ", RatesOf(all, Regime::kDiverged), "."),
           SeedsHave(seeds, Regime::kDiverged)}};
}

// From the least loss of all to twice the first one: a rate that diverges would else make a line of
// all other curves.
std::pair<double, double> LossesInSight(const Sweep& all) {
  double least = all[0].first_loss;
  for (const Measured& one : all) {
    for (const double loss : one.curve) {
      if (loss > 0 && loss < least) least = loss;
    }
  }
  return {least / 1.2, 2 * all[0].first_loss};
}

absl::StatusOr<StudyResult> Run(Laboratory& laboratory) {
  StudyResult result;
  result.setting = absl::StrCat(Describe(laboratory), "; gradient descent in batches of 32, ",
                                kEpochs, " epochs, ", laboratory.seeds(), " seeds");
  result.table.header = {"rate", "regime", "first loss", "last loss", "accuracy", "rise a step"};
  std::vector<Sweep> seeds(static_cast<size_t>(laboratory.seeds()));
  Sweep all;
  for (const double rate : kRates) {
    STROP_RETURN_IF_ERROR(Measure(laboratory, rate, seeds, all));
  }
  for (Sweep& sweep : seeds) Judge(sweep);
  Judge(all);
  LineChart curves = {.title = "Training loss",
                      .caption =
                          "Dashed curves diverged: they leave the picture, or end where the loss "
                          "was no number any more.",
                      .x = {.title = "epoch"},
                      .y = {.title = "loss", .is_log = true, .range = LossesInSight(all)}};
  LineChart ends = {.title = "Loss after the last epoch, by rate",
                    .caption =
                        "The valley is the good range; beyond its right wall the loss "
                        "diverges.",
                    .x = {.title = "learning rate", .is_log = true},
                    .y = {.title = "loss", .is_log = true}};
  ends.series.push_back({.name = "loss", .style = LineChart::Style::kLineAndPoints});
  for (const Measured& one : all) {
    result.table.rows.push_back({Number(one.rate), NameOf(one.regime), Number(one.first_loss),
                                 Number(one.last_loss), PercentOf(one.accuracies),
                                 Percent(one.roughness)});
    curves.series.push_back({.name = absl::StrCat(Number(one.rate), ", ", NameOf(one.regime)),
                             .x = Count(one.curve.size()),
                             .y = one.curve,
                             .style = one.regime == Regime::kDiverged ? LineChart::Style::kDashed
                                                                      : LineChart::Style::kLine});
    ends.series[0].x.push_back(one.rate);
    ends.series[0].y.push_back(one.last_loss);
  }
  result.claims = Claims(seeds, all);
  result.charts = {Draw(curves), Draw(ends)};
  return result;
}

}  // namespace

Study LearningRateStudy() {
  return {"learning-rate", "What happens below, within and above the good learning rates?", true,
          Run};
}

}  // namespace strop
