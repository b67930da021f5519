#include <algorithm>
#include <cmath>

#include "plugin/report/chart.h"
#include "plugin/report/plotly_figure.h"

namespace strop {
namespace {

constexpr char kScale[] = "Viridis";

// What both charts share: where the numbers lie, their colors, what is shown when pointed at.
FigureJson FieldTrace(const Field& field, const std::vector<double>& colors,
                      const std::string& color_key) {
  FigureJson trace = {
      {"x", Numbers(field.x)},
      {"y", Numbers(field.y)},
      {color_key, NumberRows(colors, field.x.size())},
      {"colorscale", kScale},
      {"colorbar", ColorBar(field.z_title)},
      {"customdata", NumberRows(field.values, field.x.size())},
      {"hovertemplate", "%{x:.3~f}, %{y:.3~f}<br>%{customdata:.5~g}<extra></extra>"}};
  if (!field.is_log) return trace;
  const LogTicks ticks = TicksOfLogarithms(colors);
  trace["colorbar"]["tickvals"] = ticks.positions;
  trace["colorbar"]["ticktext"] = ticks.texts;
  return trace;
}

FigureJson PathTrace(const Field::Path& path, size_t index, const char* type) {
  const bool is_point = path.x.size() == 1;
  // The first colors of the series are too near to the surface's own.
  const FigureJson color =
      is_point ? Theme("path-1") : Theme("path-" + std::to_string(index % 6 + 1));
  FigureJson trace = {
      {"type", type},
      {"name", PlotText(path.name)},
      {"mode", is_point ? "markers" : "lines+markers"},
      {"x", Numbers(path.x)},
      {"y", Numbers(path.y)},
      {"showlegend", true},
      {"line", {{"color", color}, {"width", 3}}},
      {"marker", {{"color", color}, {"size", 5}, {"line", {{"color", "#ffffff"}, {"width", 1}}}}}};
  if (is_point) trace["marker"]["symbol"] = "diamond";
  if (!path.labels.empty()) {
    trace["hovertext"] = PlotTexts(path.labels);
    trace["hoverinfo"] = "text+name";
  }
  return trace;
}

}  // namespace

Chart DrawSurface(const Field& field) {
  const std::vector<double> heights = field.is_log ? Logarithms(field.values) : field.values;
  FigureJson surface = {{"type", "surface"}};
  surface.update(FieldTrace(field, heights, "z"));
  surface["contours"] = {{"z", {{"show", true}, {"usecolormap", true}, {"width", 1}}}};
  FigureJson data = FigureJson::array({surface});
  for (size_t i = 0; i < field.paths.size(); ++i) {
    const Field::Path& path = field.paths[i];
    FigureJson trace = PathTrace(path, i, "scatter3d");
    trace["z"] = Numbers(field.is_log ? Logarithms(path.z) : path.z);
    trace["marker"]["size"] = 4;
    trace["line"]["width"] = 6;
    data.push_back(std::move(trace));
  }
  FigureJson height_axis = AxisLayout({field.z_title});
  if (field.is_log) {
    const LogTicks ticks = TicksOfLogarithms(heights);
    height_axis["tickvals"] = ticks.positions;
    height_axis["ticktext"] = ticks.texts;
  }
  FigureJson layout = {{"scene",
                        {{"xaxis", AxisLayout({field.x_title})},
                         {"yaxis", AxisLayout({field.y_title})},
                         {"zaxis", std::move(height_axis)},
                         {"aspectmode", "manual"},
                         {"aspectratio", {{"x", 1.15}, {"y", 1.15}, {"z", 0.75}}},
                         {"camera", {{"eye", {{"x", 1.4}, {"y", -1.5}, {"z", 1.05}}}}}}},
                       {"margin", {{"l", 0}, {"r", 0}, {"t", 8}, {"b", 0}}},
                       {"showlegend", !field.paths.empty()}};
  Chart drawn = {field.title, field.caption, FigureText(std::move(data), std::move(layout))};
  drawn.height_rem = 34;
  return drawn;
}

Chart DrawContour(const Field& field) {
  FigureJson contour = {{"type", "contour"}};
  contour.update(FieldTrace(field, field.is_log ? Logarithms(field.values) : field.values, "z"));
  contour["ncontours"] = 24;
  contour["line"] = {{"width", 0.5}, {"color", "rgba(255,255,255,0.45)"}};
  FigureJson data = FigureJson::array({contour});
  for (size_t i = 0; i < field.paths.size(); ++i) {
    data.push_back(PathTrace(field.paths[i], i, "scatter"));
  }
  FigureJson layout = {{"xaxis", AxisLayout({field.x_title})},
                       {"yaxis", AxisLayout({field.y_title})},
                       {"hovermode", "closest"},
                       {"showlegend", !field.paths.empty()}};
  for (const char* axis : {"xaxis", "yaxis"}) {
    layout[axis]["showgrid"] = false;
    layout[axis]["zeroline"] = false;
    layout[axis]["constrain"] = "domain";
  }
  layout["yaxis"]["scaleanchor"] = "x";  // both are lengths in one space
  Chart drawn = {field.title, field.caption, FigureText(std::move(data), std::move(layout))};
  drawn.height_rem = 34;
  return drawn;
}

}  // namespace strop
