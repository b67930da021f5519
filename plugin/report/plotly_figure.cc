#include "plugin/report/plotly_figure.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <limits>
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "plugin/report/extent.h"

namespace strop {
namespace {

FigureJson Number(double number) {
  if (!std::isfinite(number)) return nullptr;
  char text[32];
  const int length = std::snprintf(text, sizeof(text), "%.9g", number);
  double rounded = number;
  std::from_chars(text, text + length, rounded);
  return rounded;
}

// "0.02", "500", "10⁻⁶". Not every chart reads <sup>.
std::string PowerText(double logarithm) {
  static constexpr const char* kDigits[] = {"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
  if (std::abs(logarithm) < 4) {
    const double digit = std::pow(10.0, std::floor(logarithm) - 1);  // the second that counts
    return absl::StrCat(std::round(std::pow(10.0, logarithm) / digit) * digit);
  }
  std::string text = "10";
  for (const char character : absl::StrCat(static_cast<int>(std::round(logarithm)))) {
    text += character == '-' ? "⁻" : kDigits[character - '0'];
  }
  return text;
}

}  // namespace

FigureJson Numbers(const std::vector<double>& numbers) {
  FigureJson array = FigureJson::array();
  for (const double number : numbers) array.push_back(Number(number));
  return array;
}

FigureJson NumberRows(const std::vector<double>& numbers, size_t width) {
  FigureJson rows = FigureJson::array();
  for (size_t begin = 0; width > 0 && begin + width <= numbers.size(); begin += width) {
    const auto first = numbers.begin() + static_cast<std::ptrdiff_t>(begin);
    rows.push_back(Numbers({first, first + static_cast<std::ptrdiff_t>(width)}));
  }
  return rows;
}

std::string PlotText(const std::string& name) {
  return absl::StrReplaceAll(name, {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}});
}

FigureJson PlotTexts(const std::vector<std::string>& names) {
  FigureJson array = FigureJson::array();
  for (const std::string& name : names) array.push_back(PlotText(name));
  return array;
}

FigureJson Categories(const std::vector<std::string>& names) {
  FigureJson array = FigureJson::array();
  std::map<std::string, int> seen;
  for (const std::string& name : names) {
    const int count = ++seen[name];
    array.push_back(PlotText(count == 1 ? name : absl::StrCat(name, " (", count, ")")));
  }
  return array;
}

FigureJson Theme(const std::string& name) { return {{"theme", name}}; }

FigureJson SeriesColor(size_t index) {
  constexpr size_t kColors = 8;  // of page.css
  return Theme(absl::StrCat("series-", index % kColors + 1));
}

FigureJson ThemeScale(const std::vector<std::string>& names) {
  FigureJson scale = FigureJson::array();
  for (size_t i = 0; i < names.size(); ++i) {
    const double position = static_cast<double>(i) / static_cast<double>(names.size() - 1);
    scale.push_back({position, Theme(names[i])});
  }
  return scale;
}

FigureJson AxisLayout(const Axis& axis) {
  FigureJson layout = {{"title", {{"text", PlotText(axis.title)}}}};
  if (axis.is_log) {
    layout["type"] = "log";
    layout["exponentformat"] = "power";
  }
  if (axis.range) {
    const auto [low, high] = *axis.range;
    layout["range"] =
        axis.is_log ? FigureJson{std::log10(low), std::log10(high)} : FigureJson{low, high};
  }
  return layout;
}

std::vector<double> Logarithms(const std::vector<double>& numbers) {
  std::vector<double> logarithms;
  logarithms.reserve(numbers.size());
  for (const double number : numbers) {
    logarithms.push_back(number > 0 ? std::log10(number)
                                    : std::numeric_limits<double>::quiet_NaN());
  }
  return logarithms;
}

LogTicks TicksOfLogarithms(const std::vector<double>& logarithms) {
  Extent extent;
  extent.Add(logarithms);
  const auto [low, high] = extent;
  LogTicks ticks = {FigureJson::array(), FigureJson::array()};
  if (!(low <= high)) return ticks;
  const auto add = [&](double position) {
    ticks.positions.push_back(Number(position));
    ticks.texts.push_back(PowerText(position));
  };
  const double first = std::ceil(low - 1e-9);
  const double count = std::floor(high + 1e-9) - first + 1;
  if (count < 2) {  // within a decade: its ends, and what lies between 1, 2 and 5
    add(low);
    for (double decade = std::floor(low); decade <= high; ++decade) {
      for (const double digit : {1.0, 2.0, 5.0}) {
        const double position = decade + std::log10(digit);
        const double margin = (high - low) / 8;
        if (position > low + margin && position < high - margin) add(position);
      }
    }
    if (high > low) add(high);
    return ticks;
  }
  const double stride = std::max(1.0, std::ceil(count / 8));
  for (double position = first; position <= high + 1e-9; position += stride) add(position);
  return ticks;
}

FigureJson ColorBar(const std::string& title) {
  return {{"title", {{"text", PlotText(title)}, {"side", "right"}, {"font", {{"size", 13}}}}},
          {"thickness", 12},
          {"outlinewidth", 0}};
}

std::string FigureText(FigureJson data, FigureJson layout) {
  const FigureJson figure = {{"data", std::move(data)}, {"layout", std::move(layout)}};
  return figure.dump(-1, ' ', false, FigureJson::error_handler_t::replace);
}

}  // namespace strop
