#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "plugin/monitor/tags.h"
#include "plugin/report/evenly_spread.h"
#include "plugin/report/extent.h"
#include "plugin/report/report_sections.h"

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

// Adds a share that lies evenly between two numbers to equal bins from `low` to `high`.
void Spread(double from, double to, double share, double low, double high,
            std::vector<double>& shares) {
  const double width = (high - low) / static_cast<double>(kBins);
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

double ShareOf(const Histogram& histogram, size_t bucket) {
  return histogram.counts[bucket] / std::max(histogram.count, 1.0);
}

// Shares of all elements in equal bins from `low` to `high`: a bucket's elements lie evenly in it.
std::vector<double> SharesOf(const Histogram& histogram, double low, double high) {
  std::vector<double> shares(kBins, 0);
  for (size_t i = 0; i < histogram.counts.size(); ++i) {
    const double from = std::max(histogram.limits[i], histogram.minimum);
    const double to = std::max(std::min(histogram.limits[i + 1], histogram.maximum), from);
    Spread(from, to, ShareOf(histogram, i), low, high, shares);
  }
  return shares;
}

// A column a step; the axis of the shares is the caller's.
template <typename Shares>
HeatMap MapOf(const std::string& title, const std::vector<StepHistogram>& all,
              const Shares& shares_of) {
  HeatMap map;
  map.title = title;
  map.x_title = "step";
  map.value_title = "share";
  map.scale = HeatMap::Scale::kAmount;
  std::vector<std::vector<double>> columns;
  for (const auto& [step, histogram] : EvenlySpread(all, kMostColumns)) {
    map.x_numbers.push_back(static_cast<double>(step));
    columns.push_back(shares_of(histogram));
  }
  for (size_t bin = 0; bin < kBins; ++bin) {
    for (const std::vector<double>& column : columns) map.values.push_back(column[bin]);
  }
  return map;
}

HeatMap HistogramMap(const std::string& tag, const std::vector<StepHistogram>& all) {
  const auto [low, high] = RangeOf(all);
  if (!(low <= high)) return {};
  const double margin = high > low ? 0 : std::max(std::abs(low), 1.0) * 1e-3;
  const double from = low - margin;
  const double to = high + margin + (high - low) * 1e-9;  // the greatest lies within
  HeatMap map =
      MapOf(tag, all, [&](const Histogram& histogram) { return SharesOf(histogram, from, to); });
  for (size_t bin = 0; bin < kBins; ++bin) {
    map.y_numbers.push_back(from + (to - from) * (static_cast<double>(bin) + 0.5) / kBins);
  }
  return map;
}

// The decimal logarithms of the magnitudes in a bucket, from the least to the greatest; nothing
// of the bucket about 0, where they have no end.
Extent DecadesOf(const Histogram& histogram, size_t bucket) {
  Extent decades;
  const double from = std::max(histogram.limits[bucket], histogram.minimum);
  const double to = std::max(std::min(histogram.limits[bucket + 1], histogram.maximum), from);
  const bool is_of_one_sign = (from > 0 && to > 0) || (from < 0 && to < 0);
  if (histogram.counts[bucket] == 0 || !is_of_one_sign) return decades;
  decades.Add(std::log10(std::abs(from)));
  decades.Add(std::log10(std::abs(to)));
  return decades;
}

// Shares of all elements in equal bins of magnitudes, on a logarithmic scale.
std::vector<double> SharesByMagnitude(const Histogram& histogram, double low, double high) {
  std::vector<double> shares(kBins, 0);
  for (size_t i = 0; i < histogram.counts.size(); ++i) {
    const Extent decades = DecadesOf(histogram, i);
    if (!(decades.low <= decades.high)) continue;
    Spread(decades.low, decades.high, ShareOf(histogram, i), low, high, shares);
  }
  return shares;
}

// Sizes differ by decades from step to step: on a scale that shows the largest, the others are a
// line at 0.
HeatMap MagnitudeMap(const std::string& tag, const std::vector<StepHistogram>& all) {
  constexpr double kMostDecades = 8;
  Extent decades;
  for (const auto& [step, histogram] : all) {
    for (size_t i = 0; i < histogram.counts.size(); ++i) {
      const Extent bucket = DecadesOf(histogram, i);
      decades.Add(bucket.low);
      decades.Add(bucket.high);
    }
  }
  if (!(decades.low <= decades.high)) return {};
  const double high = decades.high + 1e-9;
  const double low = std::min(std::max(decades.low, high - kMostDecades), high - 0.5);
  HeatMap map = MapOf(absl::StrCat(tag, ", magnitude"), all, [&](const Histogram& histogram) {
    return SharesByMagnitude(histogram, low, high);
  });
  map.is_y_log = true;
  for (size_t edge = 0; edge <= kBins; ++edge) {
    map.y_numbers.push_back(std::pow(10.0, low + (high - low) * static_cast<double>(edge) / kBins));
  }
  return map;
}

// Whether the numbers of a usual step fill little of the range of all steps.
bool Collapse(const std::vector<StepHistogram>& histograms) {
  constexpr double kLeastShare = 0.15;
  std::vector<double> widths;
  for (const auto& [step, histogram] : histograms) {
    const double mean = histogram.sum / std::max(histogram.count, 1.0);
    const double variance = histogram.sum_of_squares / std::max(histogram.count, 1.0) - mean * mean;
    if (std::isfinite(variance)) widths.push_back(4 * std::sqrt(std::max(variance, 0.0)));
  }
  if (widths.empty()) return false;
  const auto middle = widths.begin() + static_cast<std::ptrdiff_t>(widths.size() / 2);
  std::nth_element(widths.begin(), middle, widths.end());
  const Extent range = RangeOf(histograms);
  return *middle < kLeastShare * (range.high - range.low);
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
      "of them. Outliers beyond four standard deviations are left out. Magnitudes are those of "
      "numbers that are not 0, on a logarithmic scale.");
  for (const std::string_view kind : {kWeightsOf, kGradientsOf, kActivationsOf}) {
    std::vector<Chart> charts;
    const auto add = [&](const std::string& tag) {
      const auto found = run.histograms.find(tag);
      if (found == run.histograms.end() || !tag.starts_with(kind)) return;
      const HeatMap map = kind == kGradientsOf || Collapse(found->second)
                              ? MagnitudeMap(tag, found->second)
                              : HistogramMap(tag, found->second);
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
