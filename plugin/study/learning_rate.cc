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
  std::vector<double> accuracies;
  std::vector<double> curve;
  Regime regime = Regime::kGood;
};

double Roughness(const std::vector<double>& losses) {
  double rises = 0;
  for (size_t i = 1; i < losses.size(); ++i) rises += std::max(0.0, losses[i] - losses[i - 1]);
  return rises / static_cast<double>(losses.size()) / Mean(losses);
}

absl::StatusOr<Measured> Measure(const Laboratory& laboratory, double rate) {
  TrainingOptions options = PlainTraining(laboratory);
  options.learning_rate = rate;
  options.epochs = kEpochs;
  STROP_ASSIGN_OR_RETURN(const Repeated repeated, Repeat(laboratory, PlainNetwork(), options));
  Measured measured;
  measured.rate = rate;
  measured.accuracies = repeated.Accuracies();
  measured.curve = repeated.EpochCurve();
  std::vector<double> first;
  std::vector<double> roughness;
  for (const Experiment& run : repeated.runs) {
    if (run.step_losses.empty()) continue;
    first.push_back(run.step_losses[0]);
    roughness.push_back(Roughness(run.step_losses));
  }
  measured.first_loss = Mean(first);
  measured.roughness = Mean(roughness);
  measured.last_loss = repeated.diverged() > 0 ? std::numeric_limits<double>::infinity()
                                               : Mean(repeated.TrainLosses());
  return measured;
}

// Against the best run: below its rate and far from its loss is too low, above it and far is too
// high; a loss that did not fall at all, or is no number, is divergence.
void Judge(std::vector<Measured>& all) {
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

std::string RatesOf(const std::vector<Measured>& all, Regime regime) {
  std::string text;
  for (const Measured& one : all) {
    if (one.regime == regime) absl::StrAppend(&text, text.empty() ? "" : ", ", Number(one.rate));
  }
  return text.empty() ? "none" : text;
}

std::vector<Claim> Claims(const std::vector<Measured>& all) {
  const auto has = [&](Regime regime) {
    return std::any_of(all.begin(), all.end(),
                       [&](const Measured& one) { return one.regime == regime; });
  };
  const bool is_ordered =
      std::is_sorted(all.begin(), all.end(),
                     [](const Measured& a, const Measured& b) { return a.regime < b.regime; });
  double low_roughness = 0;
  double high_roughness = 0;
  double ratio = 1;
  double first_good = 0;
  for (const Measured& one : all) {
    if (one.regime == Regime::kTooLow) low_roughness = one.roughness;
    if (one.regime == Regime::kGood) {
      if (first_good == 0) first_good = one.rate;
      high_roughness = one.roughness;
      ratio = one.rate / first_good;
    }
  }
  return {
      {"A rate that is too low learns too slowly to arrive.",
       absl::StrCat("too low: ", RatesOf(all, Regime::kTooLow), "."), has(Regime::kTooLow)},
      {"Between too low and too high lies a good range.",
       absl::StrCat("good: ", RatesOf(all, Regime::kGood), "; a factor of ", Number(ratio),
                    " wide."),
       has(Regime::kGood) && is_ordered},
      {"Larger rates make the loss jump from step to step.",
       absl::StrCat("mean rise of the loss a step, of its mean: ", Percent(low_roughness),
                    " at the highest of the low rates, ", Percent(high_roughness),
                    " at the highest good one."),
       high_roughness > low_roughness},
      {"A rate that is too high oscillates without arriving before it diverges.",
       absl::StrCat("too high: ", RatesOf(all, Regime::kTooHigh), "."), has(Regime::kTooHigh)},
      {"Still higher, the loss diverges.",
       absl::StrCat("diverged: ", RatesOf(all, Regime::kDiverged), "."), has(Regime::kDiverged)}};
}

// From the least loss of all to twice the first one: a rate that diverges would else make a line of
// all other curves.
std::pair<double, double> LossesInSight(const std::vector<Measured>& all) {
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
  std::vector<Measured> all;
  for (const double rate : kRates) {
    STROP_ASSIGN_OR_RETURN(Measured measured, Measure(laboratory, rate));
    all.push_back(std::move(measured));
  }
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
  result.claims = Claims(all);
  result.charts = {Draw(curves), Draw(ends)};
  return result;
}

}  // namespace

Study LearningRateStudy() {
  return {"learning-rate", "What happens below, within and above the good learning rates?", true,
          Run};
}

}  // namespace strop
