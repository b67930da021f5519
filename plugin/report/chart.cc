#include "plugin/report/chart.h"

#include <algorithm>
#include <cmath>

#include "plugin/report/extent.h"
#include "plugin/report/plotly_figure.h"

namespace strop {
namespace {

constexpr size_t kMostPoints = 4000;  // of a line, before it is thinned
constexpr size_t kFewPoints = 60;     // of a line: each is shown, else a single one would not be
constexpr char kSequentialScale[] = "Viridis";

// Indices of the points to draw: all, or the least and the greatest of each of equal stretches.
std::vector<size_t> PointsToDraw(const std::vector<double>& y) {
  std::vector<size_t> kept;
  const size_t stretches = y.size() <= kMostPoints ? y.size() : kMostPoints / 2;
  for (size_t stretch = 0; stretch < stretches; ++stretch) {
    const size_t begin = y.size() * stretch / stretches;
    const size_t end = y.size() * (stretch + 1) / stretches;
    size_t least = begin;
    size_t greatest = begin;
    for (size_t i = begin; i < end; ++i) {
      if (!std::isfinite(y[i])) {  // a gap stays one
        least = greatest = i;
        break;
      }
      if (y[i] < y[least]) least = i;
      if (y[i] > y[greatest]) greatest = i;
    }
    kept.push_back(std::min(least, greatest));
    if (least != greatest) kept.push_back(std::max(least, greatest));
  }
  return kept;
}

template <typename T>
std::vector<T> Picked(const std::vector<T>& all, const std::vector<size_t>& indices) {
  std::vector<T> picked;
  for (const size_t index : indices) {
    if (index < all.size()) picked.push_back(all[index]);
  }
  return picked;
}

FigureJson LineTrace(const LineChart::Series& series, size_t index) {
  const std::vector<size_t> points = PointsToDraw(series.y);
  const bool has_line = series.style != LineChart::Style::kPoints;
  const bool has_points = series.style == LineChart::Style::kPoints ||
                          series.style == LineChart::Style::kLineAndPoints ||
                          points.size() <= kFewPoints;
  const char* mode = has_line && has_points ? "lines+markers" : has_line ? "lines" : "markers";
  const FigureJson color = SeriesColor(series.color.value_or(index));
  FigureJson trace = {
      {"type", "scatter"},
      {"mode", mode},
      {"name", PlotText(series.name)},
      {"x", Numbers(Picked(series.x, points))},
      {"y", Numbers(Picked(series.y, points))},
      {"line",
       {{"color", color},
        {"width", series.is_faint ? 1 : 2},
        {"dash", series.style == LineChart::Style::kDashed ? "dash" : "solid"}}},
      {"marker", {{"color", color}, {"size", series.is_faint ? 4 : 6}}},
  };
  if (series.is_faint) trace["opacity"] = 0.6;
  if (!series.is_named) trace["showlegend"] = false;
  if (series.fills_to_previous) {
    trace["fill"] = "tonexty";
    trace["fillcolor"] = Theme("gap");
  }
  if (!series.errors.empty()) {
    trace["error_y"] = {{"type", "data"},
                        {"array", Numbers(Picked(series.errors, points))},
                        {"thickness", 1},
                        {"width", 3},
                        {"color", color}};
  }
  if (!series.labels.empty()) {
    trace["hovertext"] = PlotTexts(Picked(series.labels, points));
    trace["hoverinfo"] = "text+name";
  }
  return trace;
}

// The middle of what the curves span: labels on its right are written to the left.
double MiddleOf(const LineChart& chart) {
  Extent extent;
  for (const LineChart::Series& series : chart.series) extent.Add(series.x);
  return chart.x.is_log ? std::sqrt(extent.low * extent.high) : (extent.low + extent.high) / 2;
}

void AddMarks(const LineChart& chart, FigureJson& layout) {
  const double middle = MiddleOf(chart);
  for (size_t i = 0; i < chart.marks.size(); ++i) {
    const LineChart::Mark& mark = chart.marks[i];
    const double x = chart.x.is_log ? std::log10(mark.x) : mark.x;
    if (!std::isfinite(x)) continue;
    layout["shapes"].push_back(
        {{"type", "line"},
         {"x0", mark.x},
         {"x1", mark.x},
         {"yref", "paper"},
         {"y0", 0},
         {"y1", 1},
         {"line", {{"color", Theme("muted")}, {"width", 1}, {"dash", "dot"}}}});
    layout["annotations"].push_back({{"text", PlotText(mark.label)},
                                     {"x", x},
                                     {"yref", "paper"},
                                     {"y", 1},
                                     {"yanchor", "top"},
                                     {"xanchor", mark.x > middle ? "right" : "left"},
                                     {"yshift", -14.0 * static_cast<double>(i % 3)},
                                     {"showarrow", false},
                                     {"font", {{"color", Theme("muted")}, {"size", 11}}}});
  }
}

void AddBands(const LineChart& chart, FigureJson& layout) {
  for (const LineChart::Band& band : chart.bands) {
    layout["shapes"].push_back({{"type", "rect"},
                                {"layer", "below"},
                                {"xref", "paper"},
                                {"x0", 0},
                                {"x1", 1},
                                {"y0", band.low},
                                {"y1", band.high},
                                {"fillcolor", Theme("band")},
                                {"line", {{"width", 0}}}});
    layout["annotations"].push_back({{"text", PlotText(band.label)},
                                     {"xref", "paper"},
                                     {"x", 1},
                                     {"xanchor", "right"},
                                     {"y", chart.y.is_log ? std::log10(band.high) : band.high},
                                     {"yanchor", "top"},
                                     {"showarrow", false},
                                     {"font", {{"color", Theme("muted")}, {"size", 11}}}});
  }
}

// Within few decades every digit would be written along a logarithmic axis, one upon the other.
void SpreadTicks(const LineChart& chart, FigureJson& axis) {
  constexpr double kFewDecades = 1000;
  Extent extent;
  if (chart.y.range) extent.Add({chart.y.range->first, chart.y.range->second});
  for (const LineChart::Series& series : chart.series) {
    for (const double y : series.y) {
      if (y > 0 && !chart.y.range) extent.Add(y);
    }
  }
  if (chart.y.is_log && !extent.Spans(kFewDecades)) axis["dtick"] = "D2";
}

bool HasPoints(const LineChart& chart) {
  return std::any_of(chart.series.begin(), chart.series.end(), [](const auto& series) {
    return series.style == LineChart::Style::kPoints || !series.labels.empty();
  });
}

// The axis of a heat map: names, or numbers.
FigureJson CellAxis(const std::string& title, const std::vector<std::string>& labels) {
  FigureJson layout = AxisLayout({title});
  layout["showgrid"] = false;
  layout["zeroline"] = false;
  layout["ticks"] = "";
  if (!labels.empty()) layout["type"] = "category";
  return layout;
}

// The numbers that cells reach over, which their first one may draw below 0 where no number is.
std::optional<std::pair<double, double>> RangeOfCells(const std::vector<double>& numbers) {
  if (numbers.size() < 2 || numbers.front() < 0) return std::nullopt;
  const size_t last = numbers.size() - 1;
  const double from = numbers[0] - (numbers[1] - numbers[0]) / 2;
  return std::pair(std::max(from, 0.0), numbers[last] + (numbers[last] - numbers[last - 1]) / 2);
}

FigureJson CellPositions(const std::vector<std::string>& labels,
                         const std::vector<double>& numbers) {
  return labels.empty() ? Numbers(numbers) : Categories(labels);
}

FigureJson CellColors(const HeatMap& chart) {
  switch (chart.scale) {
    case HeatMap::Scale::kSequential:
      return {{"colorscale", kSequentialScale}};
    case HeatMap::Scale::kDiverging:
      return {{"colorscale", ThemeScale({"series-2", "card", "series-1"})}, {"zmid", 0}};
    case HeatMap::Scale::kAmount:
      return {{"colorscale", ThemeScale({"card", "series-1"})}};
  }
  return {};
}

FigureJson ParallelAxis(const ParallelCoordinates::Dimension& dimension) {
  FigureJson axis = {{"label", PlotText(dimension.title)}};
  if (!dimension.categories.empty()) {
    FigureJson positions = FigureJson::array();
    for (size_t i = 0; i < dimension.categories.size(); ++i) positions.push_back(i);
    axis["tickvals"] = positions;
    axis["ticktext"] = PlotTexts(dimension.categories);
    axis["range"] = {-0.25, static_cast<double>(dimension.categories.size()) - 0.75};
    axis["values"] = Numbers(dimension.values);
  } else if (dimension.is_log) {
    const std::vector<double> logarithms = Logarithms(dimension.values);
    axis["values"] = Numbers(logarithms);
    Extent extent;
    extent.Add(logarithms);
    if (extent.low > extent.high) return axis;
    // Whole decades: Plotly draws the axis from the first tick to the last.
    const double low = std::floor(extent.low);
    const double high = std::max(std::ceil(extent.high), low + 1);
    const LogTicks ticks = TicksOfLogarithms({low, high});
    axis["range"] = {low, high};
    axis["tickvals"] = ticks.positions;
    axis["ticktext"] = ticks.texts;
  } else {
    axis["values"] = Numbers(dimension.values);
  }
  return axis;
}

}  // namespace

Chart Draw(const LineChart& chart) {
  FigureJson data = FigureJson::array();
  size_t color = 0;
  for (const LineChart::Series& series : chart.series) data.push_back(LineTrace(series, color++));
  FigureJson layout = {
      {"xaxis", AxisLayout(chart.x)},
      {"yaxis", AxisLayout(chart.y)},
      {"hovermode", HasPoints(chart) || chart.series.size() > 8 ? "closest" : "x unified"},
      {"showlegend", chart.series.size() > 1}};
  layout["yaxis"]["hoverformat"] = ".4~g";
  if (chart.has_equal_scales) {
    layout["yaxis"]["scaleanchor"] = "x";
    layout["xaxis"]["constrain"] = layout["yaxis"]["constrain"] = "domain";
  }
  SpreadTicks(chart, layout["yaxis"]);
  AddBands(chart, layout);
  AddMarks(chart, layout);
  return {chart.title, chart.caption, FigureText(std::move(data), std::move(layout))};
}

Chart Draw(const HeatMap& chart) {
  const size_t width = std::max(chart.x_labels.size(), chart.x_numbers.size());
  const size_t height = std::max(chart.y_labels.size(), chart.y_numbers.size());
  const std::vector<double> colors = chart.is_log ? Logarithms(chart.values) : chart.values;
  FigureJson trace = {{"type", "heatmap"},
                      {"x", CellPositions(chart.x_labels, chart.x_numbers)},
                      {"y", CellPositions(chart.y_labels, chart.y_numbers)},
                      {"z", NumberRows(colors, width)},
                      {"colorbar", ColorBar(chart.value_title)},
                      {"hoverongaps", false},
                      {"hovertemplate", "%{y}<br>%{x}<br>%{z:.4~g}<extra></extra>"}};
  trace.update(CellColors(chart));
  if (chart.range) {
    trace["zmin"] = chart.range->first;
    trace["zmax"] = chart.range->second;
  }
  if (chart.is_log) {
    const LogTicks ticks = TicksOfLogarithms(colors);
    trace["colorbar"]["tickvals"] = ticks.positions;
    trace["colorbar"]["ticktext"] = ticks.texts;
    trace["customdata"] = NumberRows(chart.values, width);
    trace["hovertemplate"] = "%{y}<br>%{x}<br>%{customdata:.4~g}<extra></extra>";
  }
  if (chart.shows_values) {
    trace["meta"] = "numbers";  // page.js writes them, as dark or as light as the cell takes
    trace["xgap"] = trace["ygap"] = 1;
  }
  FigureJson layout = {{"xaxis", CellAxis(chart.x_title, chart.x_labels)},
                       {"yaxis", CellAxis(chart.y_title, chart.y_labels)}};
  if (!chart.y_labels.empty()) layout["yaxis"]["autorange"] = "reversed";
  if (chart.is_y_log) {
    layout["yaxis"]["type"] = "log";
    layout["yaxis"]["exponentformat"] = "power";
  }
  if (const auto range = RangeOfCells(chart.x_numbers)) {
    layout["xaxis"]["range"] = {range->first, range->second};
  }
  Chart drawn = {chart.title, chart.caption,
                 FigureText(FigureJson::array({trace}), std::move(layout))};
  drawn.height_rem = std::clamp(8 + 1.3 * static_cast<double>(height), 18.0, 60.0);
  if (chart.shows_values) drawn.minimum_width_rem = 5 + 1.8 * static_cast<double>(width);
  return drawn;
}

Chart Draw(const ParallelCoordinates& chart) {
  FigureJson dimensions = FigureJson::array();
  for (const auto& dimension : chart.dimensions) dimensions.push_back(ParallelAxis(dimension));
  const std::vector<double> colors = chart.is_color_log ? Logarithms(chart.color) : chart.color;
  FigureJson bar = ColorBar(chart.color_title);
  if (chart.is_color_log) {
    const LogTicks ticks = TicksOfLogarithms(colors);
    bar["tickvals"] = ticks.positions;
    bar["ticktext"] = ticks.texts;
  }
  FigureJson scale = chart.greatest_stands_out ? ThemeScale({"faint", "series-1", "series-2"})
                                               : ThemeScale({"series-2", "series-1", "faint"});
  const FigureJson trace = {{"type", "parcoords"},
                            {"dimensions", std::move(dimensions)},
                            {"labelangle", 0},
                            {"line",
                             {{"color", Numbers(colors)},
                              {"colorscale", std::move(scale)},
                              {"showscale", true},
                              {"colorbar", std::move(bar)}}}};
  const FigureJson layout = {{"margin", {{"t", 56}, {"l", 56}, {"r", 40}, {"b", 24}}}};
  Chart drawn = {chart.title, chart.caption, FigureText(FigureJson::array({trace}), layout)};
  drawn.minimum_width_rem = 7 * static_cast<double>(chart.dimensions.size() + 1);
  return drawn;
}

Chart Draw(const BarChart& chart) {
  FigureJson data = FigureJson::array();
  const FigureJson categories = Categories(chart.categories);
  for (size_t i = 0; i < chart.series.size(); ++i) {
    const BarChart::Series& series = chart.series[i];
    const char* value_key = chart.is_horizontal ? "x" : "y";
    FigureJson trace = {{"type", "bar"},
                        {"name", PlotText(series.name)},
                        {"orientation", chart.is_horizontal ? "h" : "v"},
                        {chart.is_horizontal ? "y" : "x", categories},
                        {value_key, Numbers(series.values)},
                        {"marker", {{"color", SeriesColor(i)}}}};
    if (!series.errors.empty()) {
      trace[chart.is_horizontal ? "error_x" : "error_y"] = {{"type", "data"},
                                                            {"array", Numbers(series.errors)},
                                                            {"color", Theme("ink")},
                                                            {"thickness", 1}};
    }
    data.push_back(std::move(trace));
  }
  FigureJson names = CellAxis(chart.category_title, chart.categories);
  if (chart.is_horizontal) names["autorange"] = "reversed";
  FigureJson values = AxisLayout(chart.value);
  values["hoverformat"] = ".4~g";
  const FigureJson layout = {{chart.is_horizontal ? "yaxis" : "xaxis", std::move(names)},
                             {chart.is_horizontal ? "xaxis" : "yaxis", std::move(values)},
                             {"barmode", chart.is_stacked ? "stack" : "group"},
                             {"showlegend", chart.series.size() > 1}};
  Chart drawn = {chart.title, chart.caption, FigureText(std::move(data), layout)};
  if (chart.is_horizontal) {
    const double rows = static_cast<double>(chart.categories.size());
    drawn.height_rem = std::clamp(8 + 1.6 * rows, 14.0, 60.0);
  }
  return drawn;
}

}  // namespace strop
