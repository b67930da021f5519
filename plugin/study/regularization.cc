// strop study regularization: the gap between training and validation, and what narrows it.

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "plugin/study/statistics.h"
#include "plugin/study/study.h"
#include "plugin/study/sweep.h"

namespace strop {
namespace {

constexpr int64_t kSamples = 200;  // few enough to be learnt by heart
constexpr int64_t kEpochs = 80;
constexpr int64_t kWidth = 256;
constexpr double kRate = 1e-3;
constexpr double kDropout = 0.5;
constexpr double kWeightDecay = 0.5;
constexpr int64_t kPatience = 8;

struct Method {
  std::string name;
  bool dropout = false;
  bool weight_decay = false;
  bool early_stopping = false;
};

struct Measured {
  std::vector<double> train_accuracy;
  std::vector<double> accuracy;
  std::vector<double> gap;  // of the losses
  std::vector<double> validation_loss;
  std::vector<double> epochs;
  std::vector<std::vector<double>> curves;  // validation loss

  double accuracy_gap() const { return Mean(train_accuracy) - Mean(accuracy); }
};

TrainingOptions OptionsOf(const Laboratory& laboratory, const Method& method) {
  TrainingOptions options = PlainTraining(laboratory);
  options.graph.optimizer = *OptimizerOptionsOf("adamw");
  options.graph.optimizer.weight_decay = method.weight_decay ? kWeightDecay : 0;
  options.graph.dropout = method.dropout ? DropoutMode::kOn : DropoutMode::kOff;
  options.learning_rate = kRate;
  options.epochs = kEpochs;
  options.early_stopping_patience = method.early_stopping ? kPatience : 0;
  return options;
}

absl::StatusOr<Measured> Measure(const Laboratory& laboratory, const Method& method) {
  NetworkOptions network;
  network.depth = 2;
  network.width = {kWidth};
  network.dropout = kDropout;
  TrainingOptions options = OptionsOf(laboratory, method);
  Measured measured;
  for (int64_t seed = 0; seed < laboratory.seeds(); ++seed) {
    options.seed = static_cast<uint64_t>(seed);
    STROP_ASSIGN_OR_RETURN(const ImportedModel model, laboratory.ModelOr(network, options.seed));
    STROP_ASSIGN_OR_RETURN(Laboratory::Parts parts, laboratory.Split(kSamples));
    STROP_ASSIGN_OR_RETURN(const Experiment run,
                           laboratory.Train(model, options, std::move(parts)));
    if (run.has_diverged) {
      measured.gap.push_back(std::numeric_limits<double>::quiet_NaN());  // keeps the seeds in step
      continue;
    }
    STROP_ASSIGN_OR_RETURN(const EvaluationResult training,
                           laboratory.MeasureTraining(model, options, run, kSamples));
    // With early stopping the weights are those of the best epoch.
    const EpochReport* kept = &run.epochs.back();
    for (const EpochReport& epoch : run.epochs) {
      if (method.early_stopping && *epoch.validation_loss < *kept->validation_loss) kept = &epoch;
    }
    measured.train_accuracy.push_back(training.metrics.at("accuracy"));
    measured.accuracy.push_back(kept->metrics.at("accuracy"));
    measured.validation_loss.push_back(*kept->validation_loss);
    measured.gap.push_back(*kept->validation_loss - training.loss);
    measured.epochs.push_back(static_cast<double>(run.epochs.size()));
    std::vector<double> curve;
    for (const EpochReport& epoch : run.epochs) curve.push_back(*epoch.validation_loss);
    measured.curves.push_back(curve);
  }
  return measured;
}

// Seed by seed, since both begin with the same weights: by more than a twentieth.
Claim Narrows(const std::string& textbook, const std::string& source, const Measured& plain,
              const Measured& other) {
  const std::vector<double> narrowed = Differences(plain.gap, other.gap);
  return {textbook, source,
          absl::StrCat("the gap of the losses goes from ", Number(Mean(plain.gap)), " to ",
                       Number(Mean(other.gap)), ", by ", WithError(narrowed),
                       "; validation accuracy from ", Percent(Mean(plain.accuracy)), " to ",
                       Percent(Mean(other.accuracy)), "."),
          IsAbove(Above(narrowed, 0.05 * Mean(plain.gap)))};
}

// How much, seed by seed, a loss ends above its least; of the least.
std::vector<double> Rises(const std::vector<std::vector<double>>& curves) {
  std::vector<double> rises;
  for (const std::vector<double>& curve : curves) {
    rises.push_back(curve.back() / *std::min_element(curve.begin(), curve.end()) - 1);
  }
  return rises;
}

// None, dropout, weight decay, early stopping, all three.
std::vector<Claim> Claims(const std::vector<Measured>& all) {
  const std::vector<double> plain = MeanCurve(all[0].curves);
  const double least = plain.empty() ? std::nan("") : *std::min_element(plain.begin(), plain.end());
  std::vector<Claim> claims = {
      {"Without regularization the validation loss turns up again while training goes on.",
       "Prechelt 1998; Goodfellow, Bengio and Courville, Deep Learning, 2016, figure 7.3",
       absl::StrCat("least ", Number(least), ", at the end ",
                    Number(plain.empty() ? std::nan("") : plain.back()), "; training accuracy ",
                    Percent(Mean(all[0].train_accuracy)), "."),
       IsAbove(Above(Rises(all[0].curves), 0.05))},
      Narrows("Dropout narrows the gap.", "Srivastava et al. 2014", all[0], all[1]),
      Narrows("Weight decay narrows the gap.", "Krogh and Hertz 1992", all[0], all[2]),
      Narrows("Early stopping narrows the gap.", "Prechelt 1998", all[0], all[3]),
      Narrows("Together they narrow it most.",
              "Goodfellow, Bengio and Courville, Deep Learning, 2016, 11.4", all[0], all[4])};
  for (size_t method = 1; method <= 3; ++method) {
    const std::vector<double> more = Differences(all[method].gap, all[4].gap);
    claims.back().verdict = Both(claims.back().verdict, IsAbove(more));
  }
  return claims;
}

absl::StatusOr<StudyResult> Run(Laboratory& laboratory) {
  std::vector<Method> methods = {{"none"},
                                 {"dropout", true},
                                 {"weight decay", false, true},
                                 {"early stopping", false, false, true},
                                 {"all three", true, true, true}};
  StudyResult result;
  result.setting = absl::StrCat(
      laboratory.data_name(), ", ", std::min(kSamples, laboratory.training_count()),
      " samples for training: ",
      laboratory.has_own_model() ? "your model" : "perceptrons of two hidden layers of 256, ReLU",
      "; AdamW at ", Number(kRate), ", ", kEpochs, " epochs, ", laboratory.seeds(),
      " seeds; dropout ", Number(kDropout), ", weight decay ", Number(kWeightDecay), ", patience ",
      kPatience);
  result.table.header = {"method",          "training accuracy", "validation accuracy",
                         "validation loss", "gap of the losses", "epochs"};
  LineChart curves = {.title = "Validation loss",
                      .caption = "A curve that turns up again overfits.",
                      .x = {.title = "epoch"},
                      .y = {.title = "validation loss", .is_log = true}};
  BarChart gaps = {.title = "Gap between validation and training loss",
                   .value = {.title = "gap"},
                   .series = {{"gap"}}};
  std::vector<Measured> all;
  for (const Method& method : methods) {
    STROP_ASSIGN_OR_RETURN(const Measured measured, Measure(laboratory, method));
    result.table.rows.push_back({method.name, PercentOf(measured.train_accuracy),
                                 PercentOf(measured.accuracy),
                                 Number(Mean(measured.validation_loss)), Number(Mean(measured.gap)),
                                 Number(Mean(measured.epochs))});
    const std::vector<double> curve = MeanCurve(measured.curves);
    curves.series.push_back({.name = method.name, .x = Count(curve.size()), .y = curve});
    gaps.categories.push_back(method.name);
    gaps.series[0].values.push_back(Mean(measured.gap));
    gaps.series[0].errors.push_back(Deviation(measured.gap));
    all.push_back(measured);
  }
  result.claims = Claims(all);
  result.charts = {Draw(curves), Draw(gaps)};
  return result;
}

}  // namespace

Study RegularizationStudy() {
  return {"regularization", "What narrows the gap between training and validation?", true, Run};
}

}  // namespace strop
