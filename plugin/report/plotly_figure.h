#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "plugin/report/chart.h"

namespace strop {

// The parts that every chart's figure is made of, in Plotly's terms.
using FigureJson = nlohmann::ordered_json;

// Nine digits, which no screen resolves; what is not finite is null.
FigureJson Numbers(const std::vector<double>& numbers);
// Rows of `width` numbers.
FigureJson NumberRows(const std::vector<double>& numbers, size_t width);

// A name as Plotly shows it: Plotly reads some markup in every text.
std::string PlotText(const std::string& name);
FigureJson PlotTexts(const std::vector<std::string>& names);

// Names as the categories of an axis, where equal ones would fall together.
FigureJson Categories(const std::vector<std::string>& names);

// The page's color of that name.
FigureJson Theme(const std::string& name);
// The color of the n-th series.
FigureJson SeriesColor(size_t index);
// A color scale between colors of the page.
FigureJson ThemeScale(const std::vector<std::string>& names);

FigureJson AxisLayout(const Axis& axis);

// Decimal logarithms; NaN for numbers up to 0.
std::vector<double> Logarithms(const std::vector<double>& numbers);
// tickvals and ticktext for an axis or color bar over decimal logarithms.
struct LogTicks {
  FigureJson positions;
  FigureJson texts;
};
LogTicks TicksOfLogarithms(const std::vector<double>& logarithms);

// The color bar at the side of a chart.
FigureJson ColorBar(const std::string& title);

// The whole, as Chart::figure holds it.
std::string FigureText(FigureJson data, FigureJson layout);

}  // namespace strop
