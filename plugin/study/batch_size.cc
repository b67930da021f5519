// strop study batch-size: speed, memory, smoothness and generalisation from one sample to all.

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "plugin/study/statistics.h"
#include "plugin/study/study.h"
#include "plugin/study/sweep.h"

namespace strop {
namespace {

constexpr int64_t kEpochs = 15;
constexpr double kRate = 0.05;
constexpr int64_t kSizes[] = {1, 32, 64, 128, 256, 512, 1024, 0};
constexpr double kNear = 0.01;

struct Measured {
  int64_t size = 0;             // 0: all
  std::vector<double> seconds;  // an epoch, in rounds with the others
  double samples_per_second = 0;
  double megabytes = 0;
  // Deviation of the steps' losses around their epoch's mean, last epoch.
  std::vector<double> noise;
  std::vector<double> accuracies;
  double gap = 0;  // validation loss − training loss
  std::vector<double> curve;

  std::string name() const { return size == 0 ? "full" : absl::StrCat(size); }
  double accuracy() const { return Mean(accuracies); }
};

// The last epoch's steps around their mean, against it.
double Noise(const Experiment& run) {
  if (run.has_diverged || run.epochs.empty()) return std::nan("");
  const size_t steps = run.step_losses.size() / run.epochs.size();
  const std::vector<double> last(run.step_losses.end() - static_cast<int64_t>(steps),
                                 run.step_losses.end());
  return Deviation(last) / Mean(last);
}

TrainingOptions OptionsOf(const Laboratory& laboratory, int64_t size) {
  TrainingOptions options = PlainTraining(laboratory);
  options.learning_rate = kRate;
  options.epochs = kEpochs;
  options.batch_size = size;
  return options;
}

absl::StatusOr<Measured> Measure(const Laboratory& laboratory, int64_t size) {
  const TrainingOptions options = OptionsOf(laboratory, size);
  STROP_ASSIGN_OR_RETURN(const Repeated repeated, Repeat(laboratory, PlainNetwork(), options));
  Measured measured;
  measured.size = size;
  STROP_ASSIGN_OR_RETURN(const ImportedModel model, laboratory.ModelOr(PlainNetwork(), 0));
  STROP_ASSIGN_OR_RETURN(const size_t bytes, laboratory.StepBytes(model, options));
  measured.megabytes = static_cast<double>(bytes) / 1e6;
  for (const Experiment& run : repeated.runs) measured.noise.push_back(Noise(run));
  measured.accuracies = repeated.Accuracies();
  measured.gap = Mean(repeated.ValidationLosses()) - Mean(repeated.TrainLosses());
  measured.curve = repeated.EpochCurve();
  return measured;
}

// Adds how many samples a second each size takes.
absl::Status Time(const Laboratory& laboratory, std::vector<Measured>& all) {
  STROP_ASSIGN_OR_RETURN(const ImportedModel model, laboratory.ModelOr(PlainNetwork(), 0));
  std::vector<TimedTraining> trainings;
  for (const Measured& one : all) trainings.push_back({model, OptionsOf(laboratory, one.size)});
  STROP_ASSIGN_OR_RETURN(const auto seconds, TimeInTurn(laboratory, trainings));
  for (size_t i = 0; i < all.size(); ++i) {
    all[i].seconds = seconds[i];
    all[i].samples_per_second =
        static_cast<double>(laboratory.training_count()) / Median(seconds[i]);
  }
  return absl::OkStatus();
}

// How far, seed by seed, the best of 32 to 128 is from being worse than the best of all.
std::vector<double> Nearness(const std::vector<Measured>& all) {
  std::vector<double> nearness;
  for (size_t seed = 0; seed < all[0].accuracies.size(); ++seed) {
    double best = 0;
    double best_middle = 0;
    for (const Measured& one : all) {
      best = std::max(best, one.accuracies[seed]);
      if (one.size >= 32 && one.size <= 128) {
        best_middle = std::max(best_middle, one.accuracies[seed]);
      }
    }
    nearness.push_back(kNear - (best - best_middle));
  }
  return nearness;
}

std::vector<Claim> Claims(const std::vector<Measured>& all) {
  const Measured& one = all.front();
  const Measured& small = all[1];
  const Measured& large = all[all.size() - 2];
  const Measured& full = all.back();
  const auto by_accuracy = [](const Measured& a, const Measured& b) {
    return a.accuracy() < b.accuracy();
  };
  const Measured& best = *std::max_element(all.begin(), all.end(), by_accuracy);
  const Measured& best_middle = *std::max_element(all.begin() + 1, all.begin() + 4, by_accuracy);
  const std::string book = "Goodfellow, Bengio and Courville, Deep Learning, 2016, 8.1.3";
  return {
      {"Larger batches use the processor better: more samples a second.", book,
       absl::StrCat(Number(one.samples_per_second), " samples a second one by one, ",
                    Number(small.samples_per_second), " by 32, ", Number(large.samples_per_second),
                    " by ", large.name(), ", taken in turn ", one.seconds.size(), " times."),
       Both(IsAbove(Differences(one.seconds, small.seconds)),
            IsAbove(Differences(small.seconds, large.seconds)))},
      {"Larger batches take more memory.", book,
       absl::StrCat("a step works in ", Number(one.megabytes), " MB with one sample, ",
                    Number(small.megabytes), " MB with 32, ", Number(full.megabytes),
                    " MB with all."),
       Exactly(one.megabytes < small.megabytes && small.megabytes < full.megabytes)},
      {"Larger batches have smoother curves.", book,
       absl::StrCat("the losses of one epoch's steps scatter by ", Percent(Mean(one.noise)),
                    " of their mean one by one, ", Percent(Mean(small.noise)), " by 32, ",
                    Percent(Mean(large.noise)), " by ", large.name(), "."),
       Both(IsAbove(Differences(one.noise, small.noise)),
            IsAbove(Differences(small.noise, large.noise)))},
      {"Small batches of 32 to 128 generalise best.", "Keskar et al. 2017; Masters and Luschi 2018",
       absl::StrCat("best validation accuracy: ", PercentOf(best.accuracies), " at ", best.name(),
                    "; of 32 to 128, ", PercentOf(best_middle.accuracies), " at ",
                    best_middle.name(), "."),
       IsAbove(Nearness(all))},
      {"At the same rate and epochs, the full batch is worse than small ones.",
       "Hoffer, Hubara and Soudry 2017; Masters and Luschi 2018",
       absl::StrCat(PercentOf(full.accuracies), " against ", PercentOf(small.accuracies),
                    " by 32; it made ", kEpochs, " steps."),
       IsAbove(Differences(small.accuracies, full.accuracies))}};
}

absl::StatusOr<StudyResult> Run(Laboratory& laboratory) {
  StudyResult result;
  result.setting =
      absl::StrCat(Describe(laboratory), "; gradient descent at a rate of ", Number(kRate), ", ",
                   kEpochs, " epochs, ", laboratory.seeds(), " seeds");
  result.table.header = {"batch",     "samples/s",
                         "MB a step", "scatter of the loss",
                         "accuracy",  "validation - training loss"};
  LineChart curves = {.title = "Training loss",
                      .caption = "The same epochs: small batches make more steps of them.",
                      .x = {.title = "epoch"},
                      .y = {.title = "loss", .is_log = true}};
  BarChart speed = {.title = "Samples a second",
                    .category_title = "batch size",
                    .value = {.title = "samples a second"},
                    .series = {{"samples a second"}}};
  BarChart accuracy = {.title = "Validation accuracy",
                       .category_title = "batch size",
                       .value = {.title = "accuracy"},
                       .series = {{"accuracy"}}};
  std::vector<Measured> all;
  for (const int64_t size : kSizes) {
    if (size >= laboratory.training_count()) continue;
    STROP_ASSIGN_OR_RETURN(all.emplace_back(), Measure(laboratory, size));
  }
  if (all.size() < 5) {
    return absl::InvalidArgumentError(
        absl::StrCat("study: batch-size needs more samples for training than 128, found ",
                     laboratory.training_count(), "; give more --data"));
  }
  STROP_RETURN_IF_ERROR(Time(laboratory, all));
  for (const Measured& measured : all) {
    result.table.rows.push_back({measured.name(), Number(measured.samples_per_second),
                                 Number(measured.megabytes), Percent(Mean(measured.noise)),
                                 PercentOf(measured.accuracies), Number(measured.gap)});
    curves.series.push_back(
        {.name = measured.name(), .x = Count(measured.curve.size()), .y = measured.curve});
    for (BarChart* chart : {&speed, &accuracy}) chart->categories.push_back(measured.name());
    speed.series[0].values.push_back(measured.samples_per_second);
    accuracy.series[0].values.push_back(measured.accuracy());
    accuracy.series[0].errors.push_back(Deviation(measured.accuracies));
  }
  result.claims = Claims(all);
  result.charts = {Draw(curves), Draw(speed), Draw(accuracy)};
  return result;
}

}  // namespace

Study BatchSizeStudy() {
  return {"batch-size", "How does the batch's size change speed, memory, curves and accuracy?",
          true, Run};
}

}  // namespace strop
