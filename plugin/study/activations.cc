// strop study activations: what an activation does to range, gradients, dying units, accuracy and
// time.

#include <algorithm>
#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "plugin/study/statistics.h"
#include "plugin/study/study.h"

namespace strop {
namespace {

constexpr int64_t kDepth = 6;
constexpr int64_t kWidth = 64;
constexpr int64_t kEpochs = 15;
constexpr double kRate = 0.05;
constexpr double kHarshRate = 0.3;

struct Measured {
  std::string name;
  double least = 0;
  double greatest = 0;
  std::vector<double> reach;  // gradient of the first layer over that of the last
  std::vector<double> dead;   // share of units without an output, after training
  std::vector<double> harsh_dead;
  std::vector<double> accuracy;
  std::vector<double> seconds;
  std::vector<std::vector<double>> losses;
};

TrainingOptions Options(const Laboratory& laboratory, double rate, int64_t seed) {
  TrainingOptions options;
  options.graph.loss = laboratory.loss();
  options.learning_rate = rate;
  options.epochs = kEpochs;
  options.seed = static_cast<uint64_t>(seed);
  options.metrics = {"accuracy"};
  return options;
}

// Units that answer the same to every sample are dead: nothing flows back through a flat part.
double DeadShare(const Tensor& values) {
  const int64_t samples = values.shape()[0];
  const int64_t units = values.shape()[1];
  const absl::Span<const float> elements = values.elements<float>();
  int64_t dead = 0;
  for (int64_t u = 0; u < units; ++u) {
    bool is_dead = true;
    for (int64_t s = 0; s < samples && is_dead; ++s) {
      is_dead = elements[static_cast<size_t>(s * units + u)] == 0;
    }
    dead += is_dead;
  }
  return static_cast<double>(dead) / static_cast<double>(units);
}

absl::StatusOr<std::vector<Tensor>> HiddenValues(const Laboratory& laboratory,
                                                 const ImportedModel& model,
                                                 const Experiment& experiment) {
  std::vector<std::string> names;
  for (int64_t layer = 0; layer < kDepth; ++layer) {
    names.push_back(absl::StrCat("hidden.", layer, ".activation"));
  }
  return laboratory.Activations(model, experiment.store, names);
}

absl::StatusOr<double> DeadShareOf(const Laboratory& laboratory, const ImportedModel& model,
                                   const Experiment& experiment) {
  if (experiment.has_diverged) return std::numeric_limits<double>::quiet_NaN();
  STROP_ASSIGN_OR_RETURN(const std::vector<Tensor> layers,
                         HiddenValues(laboratory, model, experiment));
  std::vector<double> shares;
  for (const Tensor& layer : layers) shares.push_back(DeadShare(layer));
  return Mean(shares);
}

absl::StatusOr<Measured> Measure(const Laboratory& laboratory, const std::string& name) {
  Measured measured;
  measured.name = name;
  NetworkOptions network;
  STROP_ASSIGN_OR_RETURN(network.activation, ActivationOf(name));
  network.depth = kDepth;
  network.width = {kWidth};
  for (int64_t seed = 0; seed < laboratory.seeds(); ++seed) {
    STROP_ASSIGN_OR_RETURN(const ImportedModel model,
                           laboratory.Perceptron(network, static_cast<uint64_t>(seed)));
    STROP_ASSIGN_OR_RETURN(const std::vector<LayerGradient> gradients,
                           laboratory.Gradients(model, nullptr));
    measured.reach.push_back(gradients.front().root_mean_square /
                             gradients[gradients.size() - 2].root_mean_square);
    STROP_ASSIGN_OR_RETURN(const Experiment experiment,
                           laboratory.Train(model, Options(laboratory, kRate, seed)));
    STROP_ASSIGN_OR_RETURN(const double dead, DeadShareOf(laboratory, model, experiment));
    measured.dead.push_back(dead);
    measured.accuracy.push_back(experiment.Validation("accuracy"));
    measured.seconds.push_back(experiment.seconds_per_epoch);
    std::vector<double> losses;
    for (const EpochReport& epoch : experiment.epochs) losses.push_back(epoch.train_loss);
    measured.losses.push_back(losses);
    if (!experiment.has_diverged) {
      STROP_ASSIGN_OR_RETURN(const std::vector<Tensor> layers,
                             HiddenValues(laboratory, model, experiment));
      for (const Tensor& layer : layers) {
        const absl::Span<const float> all = layer.elements<float>();
        measured.least =
            std::min<double>(measured.least, *std::min_element(all.begin(), all.end()));
        measured.greatest =
            std::max<double>(measured.greatest, *std::max_element(all.begin(), all.end()));
      }
    }
    STROP_ASSIGN_OR_RETURN(const Experiment harsh,
                           laboratory.Train(model, Options(laboratory, kHarshRate, seed)));
    STROP_ASSIGN_OR_RETURN(const double harsh_dead, DeadShareOf(laboratory, model, harsh));
    measured.harsh_dead.push_back(harsh_dead);
  }
  return measured;
}

std::vector<Claim> Claims(const std::vector<Measured>& all) {
  const Measured& sigmoid = all[0];
  const Measured& tanh = all[1];
  const Measured& relu = all[2];
  const Measured& leaky = all[3];
  std::vector<Claim> claims;
  claims.push_back({"Sigmoid answers within (0, 1), tanh within (-1, 1); ReLU has no upper bound.",
                    absl::StrCat("largest answers ", Number(sigmoid.greatest), ", ",
                                 Number(tanh.greatest), " and ", Number(relu.greatest), "."),
                    sigmoid.greatest <= 1 && tanh.greatest <= 1 && relu.greatest > 1});
  claims.push_back(
      {"Gradients vanish through layers of sigmoids and pass layers of ReLU.",
       absl::StrCat("of the last hidden layer's gradient, ", Percent(GeometricMean(sigmoid.reach)),
                    " reaches the first through sigmoids, ", Percent(GeometricMean(relu.reach)),
                    " through ReLUs."),
       GeometricMean(sigmoid.reach) < 0.1 && GeometricMean(relu.reach) > 0.3});
  claims.push_back(
      {"ReLU units die when the rate is high, leaky ReLU's do not.",
       absl::StrCat("at a rate of ", Number(kHarshRate), ", ", Percent(Mean(relu.harsh_dead)),
                    " of the ReLU units and ", Percent(Mean(leaky.harsh_dead)),
                    " of the leaky ones answer 0 to everything."),
       Mean(relu.harsh_dead) > 0.05 && Mean(leaky.harsh_dead) < Mean(relu.harsh_dead)});
  claims.push_back(
      {"ReLU learns deeper networks faster than sigmoid and tanh.",
       absl::StrCat("accuracy after ", kEpochs, " epochs: sigmoid ",
                    Percent(Mean(sigmoid.accuracy)), ", tanh ", Percent(Mean(tanh.accuracy)),
                    ", ReLU ", Percent(Mean(relu.accuracy)), "."),
       Mean(relu.accuracy) > Mean(sigmoid.accuracy) && Mean(relu.accuracy) > Mean(tanh.accuracy)});
  claims.push_back(
      {"ReLU is cheaper to compute than sigmoid and tanh.",
       absl::StrCat("an epoch takes ", Number(1e3 * Median(relu.seconds)), " ms with ReLU, ",
                    Number(1e3 * Median(sigmoid.seconds)), " ms with sigmoid and ",
                    Number(1e3 * Median(tanh.seconds)), " ms with tanh."),
       Median(relu.seconds) < Median(sigmoid.seconds) &&
           Median(relu.seconds) < Median(tanh.seconds)});
  return claims;
}

absl::StatusOr<StudyResult> Run(Laboratory& laboratory) {
  std::vector<Measured> all;
  StudyResult result;
  result.setting =
      absl::StrCat(laboratory.data_name(), ": perceptrons of ", kDepth, " hidden layers of ",
                   kWidth, ", gradient descent in batches of 32 at a rate of ", Number(kRate), ", ",
                   kEpochs, " epochs, ", laboratory.seeds(), " seeds");
  result.table.header = {"activation",
                         "range",
                         "gradient reaching layer 1",
                         "dead units",
                         absl::StrCat("dead at rate ", Number(kHarshRate)),
                         "accuracy",
                         "ms an epoch"};
  LineChart curves = {.title = "Training loss",
                      .caption =
                          "Mean of the seeds. A flat start means that the first layers get "
                          "no gradient.",
                      .x = {.title = "epoch"},
                      .y = {.title = "loss", .is_log = true}};
  BarChart bars = {.title = "Share of the gradient that reaches the first layer",
                   .caption =
                       "Root mean square of the first hidden layer's gradient over the last "
                       "hidden layer's, before training.",
                   .value = {.title = "share", .is_log = true},
                   .series = {{"share"}}};
  for (const char* name : {"sigmoid", "tanh", "relu", "leaky_relu"}) {
    STROP_ASSIGN_OR_RETURN(const Measured measured, Measure(laboratory, name));
    result.table.rows.push_back(
        {name, absl::StrCat(Number(measured.least), " to ", Number(measured.greatest)),
         Percent(GeometricMean(measured.reach)), Percent(Mean(measured.dead)),
         Percent(Mean(measured.harsh_dead)), PercentOf(measured.accuracy),
         Number(1e3 * Median(measured.seconds))});
    curves.series.push_back({.name = name, .x = Count(kEpochs), .y = MeanCurve(measured.losses)});
    bars.categories.push_back(name);
    bars.series[0].values.push_back(GeometricMean(measured.reach));
    all.push_back(measured);
  }
  result.claims = Claims(all);
  result.charts = {Draw(curves), Draw(bars)};
  return result;
}

}  // namespace

Study ActivationsStudy() {
  return {"activations", "What does the activation do to range, gradients, units, accuracy, time?",
          false, Run};
}

}  // namespace strop
