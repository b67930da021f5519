// strop study activations: what an activation does to range, gradients, dying units, accuracy and
// time.

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
  std::vector<double> seconds;  // an epoch, in rounds with the others
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

absl::StatusOr<NetworkOptions> NetworkOf(const std::string& activation) {
  NetworkOptions network;
  STROP_ASSIGN_OR_RETURN(network.activation, ActivationOf(activation));
  network.depth = kDepth;
  network.width = {kWidth};
  return network;
}

absl::StatusOr<Measured> Measure(const Laboratory& laboratory, const std::string& name) {
  Measured measured;
  measured.name = name;
  STROP_ASSIGN_OR_RETURN(const NetworkOptions network, NetworkOf(name));
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
  const auto milliseconds = [](const Measured& one) { return Number(1e3 * Median(one.seconds)); };
  return {
      {"Sigmoid and tanh keep their outputs within 1; ReLU does not bound them.",
       "Goodfellow, Bengio and Courville, Deep Learning, 2016, 6.3",
       absl::StrCat("greatest outputs ", Number(sigmoid.greatest), ", ", Number(tanh.greatest),
                    " and ", Number(relu.greatest), "."),
       Exactly(sigmoid.greatest <= 1 && tanh.greatest <= 1 && relu.greatest > 1)},
      {"Gradients vanish through layers of sigmoids and pass layers of ReLU.",
       "Glorot and Bengio 2010; Glorot, Bordes and Bengio 2011",
       absl::StrCat("of the last hidden layer's gradient, ", Percent(GeometricMean(sigmoid.reach)),
                    " reaches the first through sigmoids, ", Percent(GeometricMean(relu.reach)),
                    " through ReLUs."),
       Both(IsAbove(Below(LogarithmsOf(sigmoid.reach), std::log(0.1))),
            IsAbove(Above(LogarithmsOf(relu.reach), std::log(0.3))))},
      {"ReLU units die when the rate is high, leaky ReLU's do not.",
       "Maas, Hannun and Ng 2013; Lu, Shin, Su and Karniadakis 2019",
       absl::StrCat("at a rate of ", Number(kHarshRate), ", ", PercentOf(relu.harsh_dead),
                    " of the ReLU units and ", PercentOf(leaky.harsh_dead),
                    " of the leaky ones answer 0 to everything."),
       Both(IsAbove(Above(relu.harsh_dead, 0.05)),
            IsAbove(Differences(relu.harsh_dead, leaky.harsh_dead)))},
      {"ReLU learns deeper networks faster than sigmoid and tanh.",
       "Glorot, Bordes and Bengio 2011; Krizhevsky, Sutskever and Hinton 2012, figure 1",
       absl::StrCat("accuracy after ", kEpochs, " epochs: sigmoid ", PercentOf(sigmoid.accuracy),
                    ", tanh ", PercentOf(tanh.accuracy), ", ReLU ", PercentOf(relu.accuracy), "."),
       Both(IsAbove(Differences(relu.accuracy, sigmoid.accuracy)),
            IsAbove(Differences(relu.accuracy, tanh.accuracy)))},
      {"ReLU is cheaper to compute than sigmoid and tanh.", "Glorot, Bordes and Bengio 2011, 3.1",
       absl::StrCat("an epoch takes ", milliseconds(relu), " ms with ReLU, ", milliseconds(sigmoid),
                    " ms with sigmoid and ", milliseconds(tanh), " ms with tanh, taken in turn ",
                    relu.seconds.size(), " times."),
       Both(IsAbove(Differences(sigmoid.seconds, relu.seconds)),
            IsAbove(Differences(tanh.seconds, relu.seconds)))}};
}

// Adds what an epoch takes.
absl::Status Time(const Laboratory& laboratory, std::vector<Measured>& all) {
  std::vector<TimedTraining> trainings;
  for (const Measured& one : all) {
    STROP_ASSIGN_OR_RETURN(const NetworkOptions network, NetworkOf(one.name));
    STROP_ASSIGN_OR_RETURN(ImportedModel model, laboratory.Perceptron(network, 0));
    trainings.push_back({std::move(model), Options(laboratory, kRate, 0)});
  }
  STROP_ASSIGN_OR_RETURN(const auto seconds, TimeInTurn(laboratory, trainings));
  for (size_t i = 0; i < all.size(); ++i) all[i].seconds = seconds[i];
  return absl::OkStatus();
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
    STROP_ASSIGN_OR_RETURN(all.emplace_back(), Measure(laboratory, name));
  }
  STROP_RETURN_IF_ERROR(Time(laboratory, all));
  for (const Measured& measured : all) {
    result.table.rows.push_back(
        {measured.name, absl::StrCat(Number(measured.least), " to ", Number(measured.greatest)),
         Percent(GeometricMean(measured.reach)), Percent(Mean(measured.dead)),
         Percent(Mean(measured.harsh_dead)), PercentOf(measured.accuracy),
         Number(1e3 * Median(measured.seconds))});
    curves.series.push_back(
        {.name = measured.name, .x = Count(kEpochs), .y = MeanCurve(measured.losses)});
    bars.categories.push_back(measured.name);
    bars.series[0].values.push_back(GeometricMean(measured.reach));
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
