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
  std::vector<double> ratios;   // of the first hidden layer's gradient to the last's, a depth
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

// Root mean squares of the hidden layers' gradients, their geometric mean over the seeds.
absl::StatusOr<std::vector<double>> Profile(const Laboratory& laboratory, const Variant& variant,
                                            int64_t depth) {
  std::vector<std::vector<double>> layers(static_cast<size_t>(depth));
  for (int64_t seed = 0; seed < laboratory.seeds(); ++seed) {
    STROP_ASSIGN_OR_RETURN(
        const ImportedModel model,
        laboratory.Perceptron(NetworkOf(variant, depth), static_cast<uint64_t>(seed)));
    STROP_ASSIGN_OR_RETURN(const std::vector<LayerGradient> gradients,
                           laboratory.Gradients(model, nullptr));
    for (size_t i = 0; i < layers.size(); ++i) layers[i].push_back(gradients[i].root_mean_square);
  }
  std::vector<double> profile;
  for (const std::vector<double>& layer : layers) profile.push_back(GeometricMean(layer));
  return profile;
}

absl::StatusOr<Measured> Measure(const Laboratory& laboratory, const Variant& variant) {
  Measured measured;
  for (const int64_t depth : kDepths) {
    STROP_ASSIGN_OR_RETURN(measured.profile, Profile(laboratory, variant, depth));
    measured.ratios.push_back(measured.profile.front() / measured.profile.back());
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

std::vector<Claim> Claims(const std::vector<Measured>& all) {
  const double sigmoid = all[0].ratios.back();
  const double relu = all[1].ratios.back();
  const double norm = all[2].ratios.back();
  const double residual = all[3].ratios.back();
  const auto is_healthy = [](double ratio) { return ratio > 1 / kHealthy && ratio < kHealthy; };
  const double fall =
      std::pow(1 / all[0].ratios[kMeasurable], 1.0 / static_cast<double>(kDepths[kMeasurable] - 1));
  const std::string way = absl::StrCat("from the last of ", kDeepest,
                                       " layers to the first the "
                                       "gradient ");
  return {
      {"Through sigmoids the gradient falls by at least four at every layer.",
       absl::StrCat(way, Factor(sigmoid), "; over ", kDepths[kMeasurable], " layers it falls ",
                    Number(fall), "-fold a layer."),
       fall >= 4},
      {"ReLU with He initialization keeps the gradient's size.",
       absl::StrCat(way, Factor(relu), "."), is_healthy(relu)},
      {"Batch normalization keeps gradients from vanishing and exploding.",
       absl::StrCat(way, Factor(norm), "."), is_healthy(norm)},
      {"Residual connections carry the gradient to the first layer.",
       absl::StrCat(way, Factor(residual), "."), is_healthy(residual)},
      {"Deep networks of sigmoids do not learn, those with ReLU, normalization and residuals do.",
       absl::StrCat("accuracy at ", kTrainedDepth, " layers after ", kEpochs,
                    " epochs: ", Percent(Mean(all[0].accuracy)), " against ",
                    Percent(Mean(all[3].accuracy)), "."),
       Mean(all[3].accuracy) > 0.8 && Mean(all[0].accuracy) < 0.5 * Mean(all[3].accuracy)}};
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
    for (const double ratio : measured.ratios) {
      row.push_back(Number(ratio));
      map.values.push_back(ratio);
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
