#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace strop {

// A chart as a page carries it: what Plotly draws, and what stands around it. The Draw functions
// below make one from data; every name in the data is shown as it is, never read as markup. NaN and
// infinity leave gaps.
struct Chart {
  std::string title;
  std::string caption;  // one or two sentences that say what to look for; also read out
  // {"data": […], "layout": {…}} as JSON in Plotly's own terms. An object {"theme": NAME} in the
  // place of a colour stands for page.css's --NAME, in light and in dark.
  std::string figure;
  double height_rem = 24;
  double minimum_width_rem = 0;  // narrower screens scroll sideways
};

struct Axis {
  std::string title;
  bool is_log = false;  // numbers up to 0 leave gaps
  std::optional<std::pair<double, double>> range;
};

// Curves over a common axis. Of a series of few points each is marked. A series of more than 4,000
// points is thinned to the least and greatest of its neighbourhoods, so that no peak is lost.
struct LineChart {
  enum class Style { kLine, kDashed, kPoints, kLineAndPoints };
  struct Series {
    std::string name;
    std::vector<double> x;
    std::vector<double> y;
    Style style = Style::kLine;
    bool fills_to_previous = false;   // shades the gap to the series before it
    bool is_faint = false;            // stands back behind the others
    bool is_named = true;             // in the legend too
    std::optional<size_t> color;      // of the series that it belongs to; absent: one of its own
    std::vector<double> errors;       // one per point: y ± error
    std::vector<std::string> labels;  // one per point, shown when pointed at
  };
  // A vertical line where something happened.
  struct Mark {
    double x = 0;
    std::string label;
  };
  // Where y should lie, shaded.
  struct Band {
    double low = 0;
    double high = 0;
    std::string label;
  };
  std::string title;
  std::string caption;
  Axis x;
  Axis y;
  std::vector<Series> series;
  std::vector<Mark> marks;
  std::vector<Band> bands;
  bool has_equal_scales = false;  // x and y are of one kind: a unit is as long in both
};

// values[row · columns + column]; row 0 is on top when rows have labels, else at the bottom.
struct HeatMap {
  enum class Scale {
    kSequential,
    kDiverging,  // around 0
    kAmount,     // from the page's own colour up: counts
  };
  std::string title;
  std::string caption;
  std::string x_title;
  std::string y_title;
  std::string value_title;
  std::vector<std::string> x_labels;  // or x_numbers
  std::vector<double> x_numbers;
  std::vector<std::string> y_labels;  // or y_numbers
  std::vector<double> y_numbers;      // of the cells' middles, or one more: of their edges
  bool is_y_log = false;
  std::vector<double> values;
  bool is_log = false;        // colours by the logarithm; numbers up to 0 leave gaps
  bool shows_values = false;  // writes the numbers into the cells, of an amount
  Scale scale = Scale::kSequential;
  std::optional<std::pair<double, double>> range;  // of the colours, not of logarithms
};

// A number over a plane, values[y index · x.size() + x index], with paths on it.
struct Field {
  struct Path {
    std::string name;
    std::vector<double> x;
    std::vector<double> y;
    std::vector<double> z;            // where DrawSurface puts it
    std::vector<std::string> labels;  // one per point, shown when pointed at; may be empty
  };
  std::string title;
  std::string caption;
  std::string x_title;
  std::string y_title;
  std::string z_title;
  std::vector<double> x;
  std::vector<double> y;
  std::vector<double> values;
  bool is_log = false;
  std::vector<Path> paths;  // a path of one point is a marker
};

// One line per sample through all axes, coloured by the last word: `color`.
struct ParallelCoordinates {
  struct Dimension {
    std::string title;
    std::vector<double> values;           // one per sample
    std::vector<std::string> categories;  // where values are indices into names
    bool is_log = false;
  };
  std::string title;
  std::string caption;
  std::vector<Dimension> dimensions;
  std::string color_title;
  std::vector<double> color;  // one per sample
  bool is_color_log = false;
  bool greatest_stands_out = false;  // else the least
};

struct BarChart {
  struct Series {
    std::string name;
    std::vector<double> values;  // one per category
    std::vector<double> errors;  // may be empty
  };
  std::string title;
  std::string caption;
  std::string category_title;
  Axis value;
  std::vector<std::string> categories;
  std::vector<Series> series;  // side by side, or stacked
  bool is_horizontal = false;  // for long names
  bool is_stacked = false;
};

Chart Draw(const LineChart& chart);
Chart Draw(const HeatMap& chart);
Chart Draw(const ParallelCoordinates& chart);
Chart Draw(const BarChart& chart);
Chart DrawSurface(const Field& field);  // in three dimensions
Chart DrawContour(const Field& field);

}  // namespace strop
