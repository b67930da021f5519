#include "plugin/monitor/prediction_record.h"

#include "plugin/monitor/sample_image.h"
#include "plugin/monitor/tags.h"

namespace strop {
namespace {

std::string NameOf(const PredictionReport& report, int64_t label) {
  const auto i = static_cast<size_t>(label);
  return i < report.class_names.size() ? report.class_names[i] : std::to_string(label);
}

}  // namespace

ConfusionMatrix ConfusionMatrixOf(const PredictionReport& report) {
  ConfusionMatrix matrix = {std::string(kConfusionMatrixTag), {}, report.confusion_matrix};
  for (size_t i = 0; i < matrix.counts.size(); ++i) {
    matrix.labels.push_back(NameOf(report, static_cast<int64_t>(i)));
  }
  return matrix;
}

WorstExamples WorstExamplesOf(const PredictionReport& report) {
  WorstExamples worst;
  worst.tag = kWorstExamplesTag;
  const absl::StatusOr<std::vector<PngImage>> images =
      DrawEachSample(report.fields, report.samples);
  for (size_t i = 0; i < report.hardest.size(); ++i) {
    const HardSample& hard = report.hardest[i];
    WorstExamples::Example& example = worst.examples.emplace_back();
    example.sample = hard.sample;
    example.label = NameOf(report, hard.label);
    example.predicted = NameOf(report, hard.predicted);
    example.loss = hard.loss;
    if (!images.ok() || i >= images->size()) continue;
    example.width = (*images)[i].width;
    example.height = (*images)[i].height;
    example.png = (*images)[i].png;
  }
  return worst;
}

}  // namespace strop
