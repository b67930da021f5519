// strop study losses: cross-entropy against squared error for classes; squared, absolute and Huber
// error for numbers, with and without outliers.

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "ops/kernels/philox.h"
#include "plugin/data/arrays/array_source.h"
#include "plugin/data/split.h"
#include "plugin/study/statistics.h"
#include "plugin/study/study.h"
#include "plugin/study/sweep.h"

namespace strop {
namespace {

constexpr int64_t kEpochs = 20;
constexpr double kRate = 1e-3;
constexpr double kOutlierShare = 0.1;
constexpr double kOutlierSize = 50;

struct Row {
  std::string task;
  std::string loss;
  std::vector<double> scores;  // accuracy, or mean absolute error on clean validation data
  std::vector<std::vector<double>> curves;
};

// All samples with another target: `make` answers a row of numbers for a class and an index.
template <typename Make>
absl::StatusOr<std::unique_ptr<DataSource>> WithTarget(DataSource& source, int64_t width,
                                                       const Make& make) {
  std::vector<int64_t> indices(static_cast<size_t>(source.sample_count()));
  for (size_t i = 0; i < indices.size(); ++i) indices[i] = static_cast<int64_t>(i);
  std::vector<Tensor> all = source.MakeBatch(source.sample_count());
  STROP_RETURN_IF_ERROR(source.Read(indices, absl::MakeSpan(all)));
  std::vector<NamedTensor> arrays;
  for (size_t field = 0; field < all.size(); ++field) {
    const std::string& name = source.fields()[field].name;
    if (name != kTargetField) {
      arrays.push_back({name, all[field]});
      continue;
    }
    STROP_ASSIGN_OR_RETURN(const std::vector<double> labels, NumericElements(all[field]));
    std::vector<float> numbers;
    for (size_t i = 0; i < labels.size(); ++i) make(labels[i], i, numbers);
    arrays.push_back(
        {name, Tensor::FromVector<float>({static_cast<int64_t>(labels.size()), width}, numbers)});
  }
  STROP_ASSIGN_OR_RETURN(std::unique_ptr<ArraySource> made,
                         ArraySource::Create(source.origin(), std::move(arrays)));
  return std::unique_ptr<DataSource>(std::move(made));
}

TrainingOptions OptionsOf(const std::string& loss, int64_t seed) {
  TrainingOptions options;
  options.graph.loss.kind = *LossKindOf(loss);
  options.graph.optimizer = *OptimizerOptionsOf("adam");
  options.learning_rate = kRate;
  options.epochs = kEpochs;
  options.seed = static_cast<uint64_t>(seed);
  return options;
}

double Accuracy(const Tensor& outputs, const std::vector<double>& labels) {
  const int64_t classes = outputs.shape()[1];
  const absl::Span<const float> elements = outputs.elements<float>();
  double right = 0;
  for (size_t i = 0; i < labels.size(); ++i) {
    const auto row =
        elements.subspan(i * static_cast<size_t>(classes), static_cast<size_t>(classes));
    right += std::max_element(row.begin(), row.end()) - row.begin() == std::llround(labels[i]);
  }
  return right / static_cast<double>(labels.size());
}

double AbsoluteError(const Tensor& outputs, const std::vector<double>& labels) {
  double sum = 0;
  for (size_t i = 0; i < labels.size(); ++i)
    sum += std::abs(outputs.elements<float>()[i] - labels[i]);
  return sum / static_cast<double>(labels.size());
}

absl::StatusOr<std::vector<double>> ValidationLabels(const Laboratory& laboratory) {
  STROP_ASSIGN_OR_RETURN(const Laboratory::Parts parts, laboratory.Split());
  std::vector<int64_t> indices(static_cast<size_t>(parts.validation->sample_count()));
  for (size_t i = 0; i < indices.size(); ++i) indices[i] = static_cast<int64_t>(i);
  std::vector<Tensor> all = parts.validation->MakeBatch(parts.validation->sample_count());
  STROP_RETURN_IF_ERROR(parts.validation->Read(indices, absl::MakeSpan(all)));
  return NumericElements(all[static_cast<size_t>(parts.validation->FindField(kTargetField))]);
}

// Classes with a loss on one-hot targets or on labels, scored by accuracy.
absl::StatusOr<Row> Classify(const Laboratory& laboratory, const std::string& loss,
                             const std::vector<double>& labels) {
  Row row = {"classes", loss};
  for (int64_t seed = 0; seed < laboratory.seeds(); ++seed) {
    STROP_ASSIGN_OR_RETURN(const ImportedModel model,
                           laboratory.Perceptron(PlainNetwork(), static_cast<uint64_t>(seed)));
    STROP_ASSIGN_OR_RETURN(Laboratory::Parts parts, laboratory.Split());
    if (loss != "cross_entropy") {
      const int64_t classes = model.graph.type(model.graph.outputs[0]).shape->back();
      const auto one_hot = [&](double label, size_t, std::vector<float>& numbers) {
        for (int64_t c = 0; c < classes; ++c) numbers.push_back(c == std::llround(label));
      };
      STROP_ASSIGN_OR_RETURN(parts.training, WithTarget(*parts.training, classes, one_hot));
      STROP_ASSIGN_OR_RETURN(parts.validation, WithTarget(*parts.validation, classes, one_hot));
    }
    STROP_ASSIGN_OR_RETURN(const Experiment run,
                           laboratory.Train(model, OptionsOf(loss, seed), std::move(parts)));
    STROP_ASSIGN_OR_RETURN(const std::vector<Tensor> outputs,
                           laboratory.Activations(model, run.store, {"logits"}));
    row.scores.push_back(Accuracy(outputs[0], labels));
    std::vector<double> curve;
    for (const EpochReport& epoch : run.epochs) curve.push_back(epoch.train_loss);
    row.curves.push_back(curve);
  }
  return row;
}

// The label as a number, part of the training targets replaced by far too large ones; scored by the
// mean absolute error on clean validation data.
absl::StatusOr<Row> Regress(const Laboratory& laboratory, const std::string& loss, double outliers,
                            const std::vector<double>& labels) {
  Row row = {outliers > 0 ? "numbers, 10 % outliers" : "numbers", loss};
  NetworkOptions network = PlainNetwork();
  network.classes = 1;
  for (int64_t seed = 0; seed < laboratory.seeds(); ++seed) {
    STROP_ASSIGN_OR_RETURN(const ImportedModel model,
                           laboratory.Perceptron(network, static_cast<uint64_t>(seed)));
    STROP_ASSIGN_OR_RETURN(Laboratory::Parts parts, laboratory.Split());
    const Philox random(static_cast<uint64_t>(seed), 1, 0);
    STROP_ASSIGN_OR_RETURN(
        parts.training,
        WithTarget(*parts.training, 1, [&](double label, size_t i, std::vector<float>& numbers) {
          const bool is_outlier = UniformFloat(random(i)[0]) < outliers;
          numbers.push_back(static_cast<float>(is_outlier ? label + kOutlierSize : label));
        }));
    STROP_ASSIGN_OR_RETURN(
        parts.validation,
        WithTarget(*parts.validation, 1, [](double label, size_t, std::vector<float>& numbers) {
          numbers.push_back(static_cast<float>(label));
        }));
    STROP_ASSIGN_OR_RETURN(const Experiment run,
                           laboratory.Train(model, OptionsOf(loss, seed), std::move(parts)));
    STROP_ASSIGN_OR_RETURN(const std::vector<Tensor> outputs,
                           laboratory.Activations(model, run.store, {"logits"}));
    row.scores.push_back(AbsoluteError(outputs[0], labels));
    std::vector<double> curve;
    for (const EpochReport& epoch : run.epochs) curve.push_back(*epoch.validation_loss);
    row.curves.push_back(curve);
  }
  return row;
}

// Rows 0 and 1 are cross-entropy and squared error for classes; from row 2 on squared, absolute and
// Huber error for numbers, without outliers and with them.
std::vector<Claim> Claims(const std::vector<Row>& rows) {
  const auto score = [&](size_t row) { return Number(Mean(rows[row].scores)); };
  const std::vector<double>& clean = rows[2].scores;
  const std::vector<double>& spoiled = rows[5].scores;
  const std::vector<double> accuracy = Differences(rows[0].scores, rows[1].scores);
  std::vector<double> likeness;  // how far the two are from differing by 15 %
  std::vector<double> spoiling;  // from half as much again
  std::vector<double> resistance;
  for (size_t seed = 0; seed < clean.size(); ++seed) {
    likeness.push_back(0.15 * clean[seed] - std::abs(clean[seed] - rows[4].scores[seed]));
    spoiling.push_back(spoiled[seed] - 1.5 * clean[seed]);
    resistance.push_back(0.5 * spoiled[seed] - rows[7].scores[seed]);
  }
  return {
      {"Cross-entropy trains classifiers better than squared error.",
       "Golik, Doetsch and Ney 2013; Hui and Belkin 2021 found otherwise",
       absl::StrCat("accuracy ", PercentOf(rows[0].scores), " against ", PercentOf(rows[1].scores),
                    ", the difference of equal seeds ", WithError(accuracy), "."),
       IsAbove(accuracy)},
      {"Without outliers, squared error and Huber do about equally well.", "Huber 1964",
       absl::StrCat("errors ", score(2), " and ", score(4), "."), IsAbove(likeness)},
      {"Outliers spoil squared error.", "Huber 1964",
       absl::StrCat("its error goes from ", score(2), " to ", score(5), "."), IsAbove(spoiling)},
      {"Huber resists outliers.", "Huber 1964",
       absl::StrCat("its error goes from ", score(4), " to ", score(7), ", squared error's to ",
                    score(5), "."),
       IsAbove(resistance)}};
}

absl::StatusOr<StudyResult> Run(Laboratory& laboratory) {
  StudyResult result;
  result.setting = absl::StrCat(Describe(laboratory), "; Adam at ", Number(kRate),
                                " in batches of 32, ", kEpochs, " epochs, ", laboratory.seeds(),
                                " seeds. As numbers the network gives the label itself; "
                                "outliers are training labels with ",
                                Number(kOutlierSize), " added");
  result.table.header = {"target", "loss", "accuracy", "mean absolute error"};
  STROP_ASSIGN_OR_RETURN(const std::vector<double> labels, ValidationLabels(laboratory));
  std::vector<Row> rows;
  for (const char* loss : {"cross_entropy", "mse"}) {
    STROP_ASSIGN_OR_RETURN(Row row, Classify(laboratory, loss, labels));
    result.table.rows.push_back({row.task, loss, PercentOf(row.scores), ""});
    rows.push_back(std::move(row));
  }
  BarChart errors = {.title = "Error on clean data",
                     .caption = "Mean absolute error of the label as a number.",
                     .value = {.title = "mean absolute error"},
                     .categories = {"mse", "l1", "huber"}};
  for (const double outliers : {0.0, kOutlierShare}) {
    errors.series.push_back({outliers > 0 ? "10 % outliers" : "clean"});
    for (const char* loss : {"mse", "l1", "huber"}) {
      STROP_ASSIGN_OR_RETURN(Row row, Regress(laboratory, loss, outliers, labels));
      result.table.rows.push_back({row.task, loss, "", Number(Mean(row.scores))});
      errors.series.back().values.push_back(Mean(row.scores));
      errors.series.back().errors.push_back(Deviation(row.scores));
      rows.push_back(std::move(row));
    }
  }
  result.claims = Claims(rows);
  LineChart curves = {.title = "Training loss of the classifiers",
                      .caption = "The two losses have different units: compare the shapes.",
                      .x = {.title = "epoch"},
                      .y = {.title = "loss", .is_log = true}};
  for (size_t i = 0; i < 2; ++i) {
    const std::vector<double> curve = MeanCurve(rows[i].curves);
    curves.series.push_back({.name = rows[i].loss, .x = Count(curve.size()), .y = curve});
  }
  result.charts = {Draw(errors), Draw(curves)};
  return result;
}

}  // namespace

Study LossesStudy() {
  return {"losses", "Which loss for classes, which for numbers, and what do outliers do?", false,
          Run};
}

}  // namespace strop
