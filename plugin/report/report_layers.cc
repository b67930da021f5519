#include <algorithm>
#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "plugin/monitor/tags.h"
#include "plugin/report/extent.h"
#include "plugin/report/layer_map.h"
#include "plugin/report/report_sections.h"

namespace strop {
namespace {

// What CS231n calls healthy, "somewhere around 1e-3", with half a decade on either side.
constexpr double kHealthyRatioFrom = 3e-4;
constexpr double kHealthyRatioTo = 3e-3;

constexpr char kNothingMeasured[] =
    "No layer was measured (--no-monitor, or the run ended before its first measured step).";

bool IsMeasured(const RunRecords& run, Page& page) {
  if (run.measured.row_count() > 0) return true;
  page.AddNotice(Page::Tone::kNeutral, kNothingMeasured);
  return false;
}

const std::vector<double>* ColumnOf(const RunRecords& run, std::string_view tag,
                                    const std::string& name) {
  return run.measured.Find(absl::StrCat(std::string(tag), name));
}

std::vector<double> Nothing(const RunRecords& run) {
  return std::vector<double>(run.measured.row_count(), std::numeric_limits<double>::quiet_NaN());
}

// Root mean square over all elements of a layer's parameters, from the norm of each.
std::vector<double> RootMeanSquares(const RunRecords& run, const LayerRow& layer,
                                    std::string_view norm_tag) {
  std::vector<double> sums(run.measured.row_count(), 0);
  double elements = 0;
  for (const LayerList::Parameter& parameter : layer.parameters) {
    const std::vector<double>* norms = ColumnOf(run, norm_tag, parameter.name);
    if (norms == nullptr) continue;
    elements += static_cast<double>(std::max<int64_t>(parameter.element_count, 1));
    for (size_t i = 0; i < sums.size(); ++i) sums[i] += (*norms)[i] * (*norms)[i];
  }
  if (elements == 0) return Nothing(run);
  for (double& sum : sums) sum = std::sqrt(sum / elements);
  return sums;
}

// Of the layer's largest parameter: the weight. Biases often begin with 0, where a ratio says
// nothing.
std::vector<double> UpdateRatios(const RunRecords& run, const LayerRow& layer) {
  const std::vector<double>* ratios = nullptr;
  int64_t elements = -1;
  for (const LayerList::Parameter& parameter : layer.parameters) {
    const std::vector<double>* found = ColumnOf(run, kUpdateRatioOf, parameter.name);
    if (found == nullptr || parameter.element_count <= elements) continue;
    ratios = found;
    elements = parameter.element_count;
  }
  return ratios == nullptr ? Nothing(run) : *ratios;
}

HeatMap ActivationMap(const RunRecords& run, std::string_view tag) {
  return LayerMap(run, ActivationLayers(run, tag),
                  [&](const LayerRow& layer) { return *ColumnOf(run, tag, layer.name); });
}

bool HasAny(const std::vector<double>& values) {
  return std::any_of(values.begin(), values.end(), [](double value) { return value > 0; });
}

// A heat map of shares, or a line when all are 0.
void AddShares(const RunRecords& run, std::string_view tag, const std::string& title,
               const std::string& caption, const std::string& when_none, Page& page) {
  HeatMap map = ActivationMap(run, tag);
  if (map.y_labels.empty()) return;
  if (!HasAny(map.values)) {
    page.AddText(when_none);
    return;
  }
  map.title = title;
  map.caption = absl::StrCat(caption, map.caption);
  map.value_title = "share";
  map.scale = HeatMap::Scale::kAmount;
  map.range = {0, 1};
  page.AddChart(Draw(map));
}

LineChart RatioChart(const RunRecords& run, const Curve* whole,
                     const std::vector<LayerRow>& layers) {
  std::vector<Extent> extents(run.measured.row_count());
  Extent shown;
  shown.Add({kHealthyRatioFrom, kHealthyRatioTo});
  for (const LayerRow& layer : layers) {
    const std::vector<double> ratios = UpdateRatios(run, layer);
    for (size_t i = 0; i < ratios.size(); ++i) {
      extents[i].Add(ratios[i]);
      if (ratios[i] > 0) shown.Add(ratios[i]);
    }
  }
  std::vector<double> least;
  std::vector<double> greatest;
  for (const Extent& extent : extents) {
    least.push_back(extent.low);
    greatest.push_back(extent.high);
  }
  const std::vector<double> steps(run.measured.steps.begin(), run.measured.steps.end());
  LineChart chart;
  chart.title = "Update to weight";
  chart.caption =
      "‖ΔW‖ / ‖W‖ of a step. Around 0.001 is healthy: far above, the weights are thrown about; far "
      "below, they hardly move.";
  chart.x.title = "step";
  chart.y.title = "ratio";
  chart.y.is_log = true;
  chart.y.range = {shown.low / 2, shown.high * 2};
  if (whole != nullptr) chart.series.push_back({"all weights", whole->steps, whole->values});
  chart.series.push_back({"greatest layer", steps, greatest, LineChart::Style::kDashed});
  chart.series.push_back({"least layer", steps, least, LineChart::Style::kDashed});
  chart.bands = {{kHealthyRatioFrom, kHealthyRatioTo, "healthy"}};
  return chart;
}

}  // namespace

void AddGradients(const RunRecords& run, Page& page) {
  page.AddSection("Gradient flow");
  const Curve* norm = run.FindCurve(kGradientNormTag);
  if (norm != nullptr) {
    LineChart chart;
    chart.title = "Norm of all gradients together";
    chart.caption = "Before clipping.";
    chart.x.title = "step";
    Extent extent;
    extent.Add(norm->values);
    chart.y.is_log = extent.Spans(30);
    chart.series = {{"gradient norm", norm->steps, norm->values}};
    page.AddChart(Draw(chart));
  }
  if (!IsMeasured(run, page)) return;
  HeatMap map = LayerMap(run, ParameterLayers(run), [&run](const LayerRow& layer) {
    return RootMeanSquares(run, layer, kGradientNormOf);
  });
  map.title = "Gradients by layer";
  map.caption = absl::StrCat(
      "Root mean square of ∂L/∂W, the first layer on top. Colors that fade towards the top are "
      "gradients that vanish on their way back; gaps are exact zeros or no numbers.",
      map.caption);
  map.value_title = "RMS";
  map.is_log = true;
  page.AddChart(Draw(map));
}

void AddUpdates(const RunRecords& run, Page& page) {
  page.AddSection("Updates");
  if (!IsMeasured(run, page)) return;
  const std::vector<LayerRow> layers = ParameterLayers(run);
  page.AddChart(Draw(RatioChart(run, run.FindCurve(kUpdateRatioTag), layers)));
  HeatMap map =
      LayerMap(run, layers, [&run](const LayerRow& layer) { return UpdateRatios(run, layer); });
  map.title = "Update to weight by layer";
  map.caption = absl::StrCat(
      "Of each layer's largest parameter. Gaps are updates that moved no weight.", map.caption);
  map.value_title = "ratio";
  map.is_log = true;
  page.AddChart(Draw(map));
}

void AddActivations(const RunRecords& run, Page& page) {
  page.AddSection("Activations");
  if (!IsMeasured(run, page)) return;
  HeatMap mean = ActivationMap(run, kActivationMeanOf);
  if (mean.y_labels.empty()) {
    page.AddNotice(Page::Tone::kNeutral, "No activation was measured.");
    return;
  }
  mean.title = "Mean";
  mean.caption = absl::StrCat("Over the batch, the first layer on top.", mean.caption);
  mean.value_title = "mean";
  mean.scale = HeatMap::Scale::kDiverging;
  HeatMap deviation = ActivationMap(run, kActivationDeviationOf);
  deviation.title = "Standard deviation";
  deviation.caption =
      absl::StrCat("A signal that fades or grows from layer to layer does so for gradients too.",
                   deviation.caption);
  deviation.value_title = "deviation";
  deviation.is_log = true;
  page.AddCharts({Draw(mean), Draw(deviation)});
  AddShares(run, kDeadUnitsOf, "Dead units",
            "Share of a layer's units that are 0 for the whole batch: they learn nothing from it.",
            "No unit was dead, that is 0 for a whole batch, at any measured step.", page);
  AddShares(run, kSaturatedOf, "Saturated activations",
            "Share of sigmoids and tanhs where the slope is below a tenth of its maximum.",
            "No sigmoid or tanh was saturated at any measured step.", page);
}

void AddWeights(const RunRecords& run, Page& page) {
  page.AddSection("Weights");
  if (!IsMeasured(run, page)) return;
  HeatMap map = LayerMap(run, ParameterLayers(run), [&run](const LayerRow& layer) {
    return RootMeanSquares(run, layer, kWeightNormOf);
  });
  map.title = "Weights by layer";
  map.caption = absl::StrCat("Root mean square over all parameters of a layer.", map.caption);
  map.value_title = "RMS";
  map.is_log = true;
  page.AddChart(Draw(map));
}

}  // namespace strop
