#pragma once

#include <string>
#include <vector>

namespace strop {

// A curve for a terminal.
struct TextCurve {
  std::vector<double> values;  // equally spaced
  double low = 0;              // what the bottom and the top stand for; values beyond are
  double high = 1;             // drawn as ▾ at the bottom and ▴ at the top
  int marked = -1;             // index at which a vertical line stands; negative: none
  std::string first_label;     // below the first and the last value
  std::string last_label;
  int width = 64;  // columns, without the labels at the left; at most one per value
  int height = 12;
};

// Lines of text, each with its end. A column takes the mean of its values.
std::string Draw(const TextCurve& curve);

}  // namespace strop
