#include "plugin/report/range_test_page.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace strop {
namespace {

LineChart ChartOf(const RangeTestCurve& curve, RangeTestOptions::Mode mode) {
  LineChart chart;
  chart.title = "Loss while the learning rate grows";
  chart.caption =
      "A step at each rate. Too low a rate changes nothing; then the loss falls, and then it "
      "explodes. A good rate is within the fall, well before its end.";
  chart.x = {"learning rate", mode == RangeTestOptions::Mode::kExponential, {}};
  const LossRange range = RangeToShow(curve);
  chart.y = {"loss", false, {{range.low, range.high}}};
  LineChart::Series smoothed = {.name = "smoothed"};
  LineChart::Series batches = {
      .name = "batches", .style = LineChart::Style::kPoints, .is_faint = true};
  for (const RangeTestPoint& point : curve.points()) {
    smoothed.x.push_back(point.learning_rate);
    smoothed.y.push_back(point.smoothed_loss);
    batches.x.push_back(point.learning_rate);
    batches.y.push_back(curve.baseline() + point.loss - point.baseline_loss);
  }
  chart.series = {std::move(smoothed), std::move(batches)};
  if (curve.suggestions()) {
    chart.marks.push_back({curve.suggestions()->suggestion(), "suggestion"});
  }
  return chart;
}

std::string RateText(double rate) { return absl::StrFormat("%.3g", rate); }

}  // namespace

LossRange RangeToShow(const RangeTestCurve& curve) {
  const double fall = curve.baseline() - curve.lowest();
  double high = curve.baseline();
  for (const RangeTestPoint& point : curve.points()) high = std::max(high, point.smoothed_loss);
  if (fall > 0) high = std::min(high, curve.baseline() + fall / 3);
  const double margin = 0.05 * std::max(high - curve.lowest(), 1e-300);
  return {curve.lowest() - margin, high + margin};
}

Page RangeTestPage(const RangeTestCurve& curve, RangeTestOptions::Mode mode,
                   const std::string& settings) {
  Page page("Learning rate range test", settings);
  if (curve.suggestions()) {
    page.AddHighlights({{"Suggestion", RateText(curve.suggestions()->suggestion())},
                        {"Loss at first", absl::StrFormat("%.4g", curve.baseline())},
                        {"Lowest", absl::StrFormat("%.4g", curve.lowest())}});
  } else {
    page.AddNotice(Page::Tone::kWarning, "The loss falls at no rate by more than its noise.");
  }
  if (curve.falls_to_the_end()) {
    page.AddNotice(Page::Tone::kNeutral,
                   "The loss falls up to the greatest rate: a greater one may be better.");
  }
  page.AddChart(Draw(ChartOf(curve, mode)));
  page.AddText(
      "Points are how far each batch's loss is from that of the same batch in the model as it "
      "was, so that easy and hard batches do not look like progress. The line is their local "
      "fit.");
  if (!curve.suggestions()) return page;
  page.AddTable({"Ways to read the curve",
                 {"name", "learning rate", "where it is"},
                 {{"steep", RateText(curve.suggestions()->steep), "where the loss falls fastest"},
                  {"valley", RateText(curve.suggestions()->valley),
                   "the middle of the fall, from a tenth of it to the minimum: the suggestion"},
                  {"minimum", RateText(curve.suggestions()->minimum),
                   "a tenth of the rate at the minimum"}}});
  return page;
}

}  // namespace strop
