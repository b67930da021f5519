#include "plugin/cli/terminal/text_curve.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace strop {
namespace {

constexpr size_t kLabelWidth = 10;

std::string Label(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%*.4g ", static_cast<int>(kLabelWidth) - 1, value);
  return text;
}

size_t ColumnOf(size_t index, size_t width, size_t count) { return index * width / count; }

std::vector<double> ColumnMeans(const std::vector<double>& values, size_t width) {
  std::vector<double> sums(width, 0);
  std::vector<double> counts(width, 0);
  for (size_t i = 0; i < values.size(); ++i) {
    const size_t column = ColumnOf(i, width, values.size());
    sums[column] += values[i];
    ++counts[column];
  }
  for (size_t i = 0; i < width; ++i) sums[i] /= counts[i];
  return sums;
}

}  // namespace

std::string Draw(const TextCurve& curve) {
  if (curve.values.empty()) return "";
  const size_t width = std::min(static_cast<size_t>(curve.width), curve.values.size());
  const std::vector<double> columns = ColumnMeans(curve.values, width);
  const double top = curve.height - 1;
  const double span = std::max(curve.high - curve.low, 1e-300);
  const size_t marked =
      curve.marked < 0 ? width
                       : ColumnOf(static_cast<size_t>(curve.marked), width, curve.values.size());
  std::string text;
  for (int line = curve.height - 1; line >= 0; --line) {
    const bool is_labelled = line == 0 || line == curve.height - 1;
    text += is_labelled ? Label(line == 0 ? curve.low : curve.high) : std::string(kLabelWidth, ' ');
    text += "│";
    for (size_t column = 0; column < width; ++column) {
      const double height = (columns[column] - curve.low) / span * top;
      const double level = std::round(std::clamp(height, 0.0, top));
      const char* dot = height > top + 0.5 ? "▴" : height < -0.5 ? "▾" : "•";
      text += level == line ? dot : (column == marked ? "┊" : " ");
    }
    text += "\n";
  }
  text += std::string(kLabelWidth, ' ') + "└";
  for (size_t column = 0; column < width; ++column) text += column == marked ? "┴" : "─";
  const size_t labels = curve.first_label.size() + curve.last_label.size();
  const std::string gap(labels < width ? width - labels : 1, ' ');
  return text + "\n" + std::string(kLabelWidth + 1, ' ') + curve.first_label + gap +
         curve.last_label + "\n";
}

}  // namespace strop
