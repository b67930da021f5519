// strop study vanishing-gradients: how much of the gradient is left after 5 to 100 layers.

#include <cmath>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "plugin/study/statistics.h"
#include "plugin/study/study.h"

namespace strop {
namespace {

constexpr int64_t kDepths[] = {5, 10, 20, 50, 100};
constexpr int64_t kDeepest = 100;
constexpr int64_t kTrainedDepth = 20;
constexpr int64_t kWidth = 32;
constexpr int64_t kEpochs = 10;
constexpr double kRate = 0.02;
// Beyond a factor of this the first and the last layer do not learn together.
constexpr double kHealthy = 100;
// Deep enough to measure the fall a layer, shallow enough for float32 to hold what is left.
constexpr size_t kMeasurable = 2;

struct Variant {
  std::string name;
  Activation activation;
  bool batch_norm = false;
  bool residual = false;
};

struct Measured {
  // Of the first hidden layer's gradient to the last's, [depths][seeds].
  std::vector<std::vector<double>> ratios;
  std::vector<double> profile;  // gradient by layer at the deepest
  std::vector<double> accuracy;
};

NetworkOptions NetworkOf(const Variant& variant, int64_t depth) {
  NetworkOptions network;
  network.activation = variant.activation;
  network.batch_norm = variant.batch_norm;
  network.residual = variant.residual;
  network.depth = depth;
  network.width = {kWidth};
  return network;
}

// Root mean squares of the hidden layers' gradients, [layers][seeds].
absl::StatusOr<std::vector<std::vector<double>>> Profile(const Laboratory& laboratory,
                                                         const Variant& variant, int64_t depth) {
  std::vector<std::vector<double>> layers(static_cast<size_t>(depth));
  for (int64_t seed = 0; seed < laboratory.seeds(); ++seed) {
    STROP_ASSIGN_OR_RETURN(
        const ImportedModel model,
        laboratory.Perceptron(NetworkOf(variant, depth), static_cast<uint64_t>(seed)));
    STROP_ASSIGN_OR_RETURN(const std::vector<LayerGradient> gradients,
                           laboratory.Gradients(model, nullptr));
    for (size_t i = 0; i < layers.size(); ++i) layers[i].push_back(gradients[i].root_mean_square);
  }
  return layers;
}

absl::StatusOr<Measured> Measure(const Laboratory& laboratory, const Variant& variant) {
  Measured measured;
  for (const int64_t depth : kDepths) {
    STROP_ASSIGN_OR_RETURN(const auto layers, Profile(laboratory, variant, depth));
    std::vector<double>& ratios = measured.ratios.emplace_back();
    for (size_t seed = 0; seed < layers[0].size(); ++seed) {
      ratios.push_back(layers.front()[seed] / layers.back()[seed]);
    }
    measured.profile.clear();
    for (const std::vector<double>& layer : layers)
      measured.profile.push_back(GeometricMean(layer));
  }
  for (int64_t seed = 0; seed < laboratory.seeds(); ++seed) {
    STROP_ASSIGN_OR_RETURN(
        const ImportedModel model,
        laboratory.Perceptron(NetworkOf(variant, kTrainedDepth), static_cast<uint64_t>(seed)));
    TrainingOptions options;
    options.graph.loss = laboratory.loss();
    options.graph.batch_norm = BatchNormMode::kTrain;
    options.learning_rate = kRate;
    options.epochs = kEpochs;
    options.drop_last = true;  // a batch of one sample has no variance
    options.seed = static_cast<uint64_t>(seed);
    options.metrics = {"accuracy"};
    STROP_ASSIGN_OR_RETURN(const Experiment experiment, laboratory.Train(model, options));
    measured.accuracy.push_back(experiment.Validation("accuracy"));
  }
  return measured;
}

std::string Factor(double ratio) {
  if (ratio == 0) return "is lost: less than float32 holds";
  if (ratio >= 1) return absl::StrCat("grows ", Number(ratio), "-fold");
  return absl::StrCat("shrinks to ", Number(ratio));
}

// How far, in e-foldings, ratios are from vanishing or exploding.
std::vector<double> Health(const std::vector<double>& ratios) {
  std::vector<double> health;
  for (const double logarithm : LogarithmsOf(ratios)) {
    health.push_back(std::log(kHealthy) - std::abs(logarithm));
  }
  return health;
}

std::vector<Claim> Claims(const std::vector<Measured>& all) {
  const std::vector<double>& sigmoid = all[0].ratios.back();
  const std::vector<double>& relu = all[1].ratios.back();
  const std::vector<double>& norm = all[2].ratios.back();
  const std::vector<double>& residual = all[3].ratios.back();
  const auto ways = static_cast<double>(kDepths[kMeasurable] - 1);
  std::vector<double> falls;  // logarithms, a layer
  for (const double logarithm : LogarithmsOf(all[0].ratios[kMeasurable])) {
    falls.push_back(-logarithm / ways);
  }
  std::vector<double> half;
  for (const double accuracy : all[3].accuracy) half.push_back(accuracy / 2);
  const auto way = [](const std::vector<double>& ratios) {
    return absl::StrCat("from the last of ", kDeepest, " layers to the first the gradient ",
                        Factor(GeometricMean(ratios)));
  };
  return {
      {"Through sigmoids the gradient falls by at least four at every layer.",
       "Hochreiter 1991; Nielsen, Neural Networks and Deep Learning, 2015, chapter 5",
       absl::StrCat(way(sigmoid), "; over ", kDepths[kMeasurable], " layers it falls ",
                    Number(std::exp(Mean(falls))), "-fold a layer."),
       IsAbove(Above(falls, std::log(4)))},
      {"ReLU with He initialization keeps the gradient's size.", "He, Zhang, Ren and Sun 2015",
       absl::StrCat(way(relu), "."), IsAbove(Health(relu))},
      {"Batch normalization keeps gradients from vanishing and exploding.",
       "Ioffe and Szegedy 2015; Yang et al. 2019 found that they explode",
       absl::StrCat(way(norm), "."), IsAbove(Health(norm))},
      {"Residual connections carry the gradient to the first layer.",
       "He, Zhang, Ren and Sun 2016, Identity mappings in deep residual networks",
       absl::StrCat(way(residual), "."), IsAbove(Health(residual))},
      {"Deep networks of sigmoids do not learn, those with ReLU, normalization and residuals do.",
       "Glorot and Bengio 2010; He, Zhang, Ren and Sun 2016",
       absl::StrCat("accuracy at ", kTrainedDepth, " layers after ", kEpochs, " epochs: ",
                    PercentOf(all[0].accuracy), " against ", PercentOf(all[3].accuracy), "."),
       Both(IsAbove(Above(all[3].accuracy, 0.8)), IsAbove(Differences(half, all[0].accuracy)))}};
}

absl::StatusOr<StudyResult> Run(Laboratory& laboratory) {
  const std::vector<Variant> variants = {
      {"sigmoid", Activation::kSigmoid},
      {"ReLU", Activation::kRelu},
      {"ReLU, batch normalization", Activation::kRelu, true},
      {"ReLU, batch normalization, residual", Activation::kRelu, true, true},
      {"sigmoid, batch normalization, residual", Activation::kSigmoid, true, true}};
  StudyResult result;
  result.setting = absl::StrCat(laboratory.data_name(), ": perceptrons of 5 to ", kDeepest,
                                " layers of ", kWidth,
                                ", He initialization; gradients before "
                                "training, ",
                                laboratory.seeds(), " seeds");
  result.table.header = {"network"};
  HeatMap map = {.title = "Gradient at the first layer over that at the last",
                 .caption =
                     "1 is ideal; far below the first layers stand still, far above they "
                     "jump. Blank: nothing arrives that float32 could hold.",
                 .x_title = "layers",
                 .value_title = "ratio",
                 .is_log = true};
  for (const int64_t depth : kDepths) {
    result.table.header.push_back(absl::StrCat("first/last at ", depth));
    map.x_labels.push_back(absl::StrCat(depth));
  }
  result.table.header.push_back(absl::StrCat("accuracy at ", kTrainedDepth));
  LineChart lines = {.title = absl::StrCat("Gradient by layer, ", kDeepest, " layers"),
                     .caption = "Root mean square of the loss' gradient by a layer's weights.",
                     .x = {.title = "layer"},
                     .y = {.title = "gradient", .is_log = true}};
  std::vector<Measured> all;
  for (const Variant& variant : variants) {
    STROP_ASSIGN_OR_RETURN(const Measured measured, Measure(laboratory, variant));
    std::vector<std::string> row = {variant.name};
    for (const std::vector<double>& ratios : measured.ratios) {
      row.push_back(Number(GeometricMean(ratios)));
      map.values.push_back(GeometricMean(ratios));
    }
    row.push_back(PercentOf(measured.accuracy));
    result.table.rows.push_back(row);
    map.y_labels.push_back(variant.name);
    lines.series.push_back(
        {.name = variant.name, .x = Count(measured.profile.size()), .y = measured.profile});
    all.push_back(measured);
  }
  result.claims = Claims(all);
  result.charts = {Draw(lines), Draw(map)};
  return result;
}

}  // namespace

Study VanishingGradientsStudy() {
  return {"vanishing-gradients", "How much of the gradient reaches the first of many layers?",
          false, Run};
}

}  // namespace strop
