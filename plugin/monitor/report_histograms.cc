#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "plugin/monitor/evenly_spread.h"
#include "plugin/monitor/extent.h"
#include "plugin/monitor/report_sections.h"
#include "plugin/monitor/tags.h"

namespace strop {
namespace {

using StepHistogram = std::pair<int64_t, Histogram>;

constexpr size_t kBins = 48;
constexpr size_t kMostColumns = 120;

// The stretch of numbers that is shown: all, but for outliers beyond four deviations.
Extent RangeOf(const std::vector<StepHistogram>& histograms) {
  Extent range;
  for (const auto& [step, histogram] : histograms) {
    const double count = std::max(histogram.count, 1.0);
    const double mean = histogram.sum / count;
    const double variance = histogram.sum_of_squares / count - mean * mean;
    const double reach = 4 * std::sqrt(std::max(variance, 0.0));
    if (!std::isfinite(reach)) continue;
    range.Add(std::max(histogram.minimum, mean - reach));
    range.Add(std::min(histogram.maximum, mean + reach));
  }
  return range;
}

// Shares of all elements in equal bins from `low` to `high`: a bucket's elements lie evenly in it.
std::vector<double> SharesOf(const Histogram& histogram, double low, double high) {
  std::vector<double> shares(kBins, 0);
  const double width = (high - low) / static_cast<double>(kBins);
  for (size_t i = 0; i < histogram.counts.size(); ++i) {
    const double from = std::max(histogram.limits[i], histogram.minimum);
    const double to = std::max(std::min(histogram.limits[i + 1], histogram.maximum), from);
    const double share = histogram.counts[i] / std::max(histogram.count, 1.0);
    const auto bin_of = [&](double x) {
      return std::clamp(std::floor((x - low) / width), -1.0, static_cast<double>(kBins));
    };
    const double first = bin_of(from);
    const double last = bin_of(to);
    for (double bin = std::max(first, 0.0); bin <= std::min(last, kBins - 1.0); ++bin) {
      const double overlap =
          std::min(to, low + (bin + 1) * width) - std::max(from, low + bin * width);
      shares[static_cast<size_t>(bin)] += first == last ? share : share * overlap / (to - from);
    }
  }
  return shares;
}

HeatMap HistogramMap(const std::string& tag, const std::vector<StepHistogram>& all) {
  const auto [low, high] = RangeOf(all);
  HeatMap map;
  map.title = tag;
  if (!(low <= high)) return map;
  const double margin = high > low ? 0 : std::max(std::abs(low), 1.0) * 1e-3;
  const double from = low - margin;
  const double to = high + margin + (high - low) * 1e-9;  // the greatest lies within
  map.x_title = "step";
  map.value_title = "share";
  map.scale = HeatMap::Scale::kAmount;
  const std::vector<StepHistogram> histograms = EvenlySpread(all, kMostColumns);
  std::vector<std::vector<double>> columns;
  for (const auto& [step, histogram] : histograms) {
    map.x_numbers.push_back(static_cast<double>(step));
    columns.push_back(SharesOf(histogram, from, to));
  }
  for (size_t bin = 0; bin < kBins; ++bin) {
    map.y_numbers.push_back(from + (to - from) * (static_cast<double>(bin) + 0.5) / kBins);
    for (const std::vector<double>& column : columns) map.values.push_back(column[bin]);
  }
  return map;
}

}  // namespace

void AddHistograms(const RunRecords& run, Page& page) {
  page.AddSection("Distributions");
  if (run.histograms.empty()) {
    page.AddNotice(Page::Tone::kNeutral, "No histogram was recorded (--no-monitor).");
    return;
  }
  page.AddText(
      "How the numbers of some layers are spread, step by step: the stronger the color, the more "
      "of them. "
      "Outliers beyond four standard deviations are left out.");
  for (const std::string_view kind : {kWeightsOf, kGradientsOf, kActivationsOf}) {
    std::vector<Chart> charts;
    const auto add = [&](const std::string& tag) {
      const auto found = run.histograms.find(tag);
      if (found == run.histograms.end() || !tag.starts_with(kind)) return;
      const HeatMap map = HistogramMap(tag, found->second);
      if (map.values.empty()) return;
      charts.push_back(Draw(map));
      charts.back().height_rem = 20;
    };
    if (run.layers.parameters.empty()) {
      for (const auto& [tag, histograms] : run.histograms) add(tag);
    }
    for (const LayerList::Parameter& parameter : run.layers.parameters) {
      if (kind != kActivationsOf) add(absl::StrCat(std::string(kind), parameter.name));
    }
    for (const LayerList::Activation& activation : run.layers.activations) {
      if (kind == kActivationsOf) add(absl::StrCat(std::string(kind), activation.name));
    }
    if (!charts.empty()) page.AddCharts(charts);
  }
}

}  // namespace strop
