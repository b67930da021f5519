#include "plugin/monitor/confusion_image.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "graph/status_macros.h"
#include "plugin/monitor/png.h"

namespace strop {
namespace {

using Colour = std::array<uint8_t, 3>;

constexpr Colour kNone = {247, 251, 255};
constexpr Colour kAll = {8, 48, 107};
constexpr Colour kLine = {200, 200, 200};
constexpr Colour kDark = {0, 0, 0};
constexpr Colour kLight = {255, 255, 255};

// The digits in 3 × 5 points: five rows of three bits, the highest bits first.
constexpr std::array<uint16_t, 10> kDigits = {075557, 026227, 071747, 071717, 055711,
                                              074717, 074757, 071111, 075757, 075717};
constexpr int64_t kDigitWidth = 3;
constexpr int64_t kDigitHeight = 5;

// About how wide the picture is to be, and the widest cell.
constexpr int64_t kWidth = 640;
constexpr int64_t kLargestCell = 48;

Colour Between(double share) {
  Colour colour;
  for (size_t i = 0; i < 3; ++i) {
    colour[i] = static_cast<uint8_t>(kNone[i] + share * (kAll[i] - kNone[i]) + 0.5);
  }
  return colour;
}

// WCAG 2.2's relative luminance.
double Luminance(const Colour& colour) {
  constexpr double kWeights[] = {0.2126, 0.7152, 0.0722};
  double luminance = 0;
  for (size_t i = 0; i < 3; ++i) {
    const double share = colour[i] / 255.0;
    luminance +=
        kWeights[i] * (share <= 0.04045 ? share / 12.92 : std::pow((share + 0.055) / 1.055, 2.4));
  }
  return luminance;
}

// Of black and white the one that stands out: by 4.5 to 1 or more on any colour.
Colour InkOn(const Colour& colour) {
  const double luminance = Luminance(colour) + 0.05;
  return 1.05 / luminance > luminance / 0.05 ? kLight : kDark;
}

void FillRectangle(Image& image, int64_t left, int64_t top, int64_t width, int64_t height,
                   const Colour& colour) {
  for (int64_t y = top; y < top + height; ++y) {
    for (int64_t x = left; x < left + width; ++x) {
      std::copy(colour.begin(), colour.end(), image.pixels.begin() + 3 * (y * image.width + x));
    }
  }
}

// Centres a number in a square cell, as large as fits; leaves it out where nothing fits.
void DrawNumber(Image& image, int64_t left, int64_t top, int64_t cell, int64_t number,
                const Colour& colour) {
  const std::string text = std::to_string(number);
  const int64_t columns = static_cast<int64_t>(text.size()) * (kDigitWidth + 1) - 1;
  const int64_t scale = std::min<int64_t>({(cell - 4) / columns, (cell - 4) / kDigitHeight, 3});
  if (scale < 1) return;
  int64_t x = left + (cell - columns * scale) / 2;
  const int64_t y = top + (cell - kDigitHeight * scale) / 2;
  for (const char digit : text) {
    const int bits = kDigits[static_cast<size_t>(digit - '0')];
    for (int64_t point = 0; point < kDigitWidth * kDigitHeight; ++point) {
      if ((bits >> (kDigitWidth * kDigitHeight - 1 - point) & 1) == 0) continue;
      FillRectangle(image, x + point % kDigitWidth * scale, y + point / kDigitWidth * scale, scale,
                    scale, colour);
    }
    x += (kDigitWidth + 1) * scale;
  }
}

}  // namespace

absl::StatusOr<PngImage> DrawConfusionMatrix(const ConfusionMatrix& matrix) {
  const auto classes = static_cast<int64_t>(matrix.counts.size());
  const int64_t cell = std::clamp<int64_t>(kWidth / std::max<int64_t>(classes, 1), 1, kLargestCell);
  const int64_t line = cell > 8 ? 1 : 0;
  Image image;
  image.width = image.height = std::max<int64_t>(classes * cell + line, 1);
  image.channels = 3;
  image.pixels.resize(static_cast<size_t>(3 * image.width * image.height));
  FillRectangle(image, 0, 0, image.width, image.height, kLine);
  for (int64_t row = 0; row < classes; ++row) {
    const std::vector<int64_t>& counts = matrix.counts[static_cast<size_t>(row)];
    const int64_t all = std::accumulate(counts.begin(), counts.end(), int64_t{0});
    for (int64_t column = 0; column < classes; ++column) {
      const int64_t count = counts[static_cast<size_t>(column)];
      const double share = all == 0 ? 0 : static_cast<double>(count) / static_cast<double>(all);
      const int64_t left = column * cell + line;
      const int64_t top = row * cell + line;
      const Colour colour = Between(share);
      FillRectangle(image, left, top, cell - line, cell - line, colour);
      if (count > 0) DrawNumber(image, left, top, cell - line, count, InkOn(colour));
    }
  }
  PngImage drawn{matrix.tag, image.width, image.height, ""};
  STROP_ASSIGN_OR_RETURN(drawn.png, EncodePng(image));
  return drawn;
}

}  // namespace strop
