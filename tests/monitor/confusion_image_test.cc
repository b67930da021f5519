// The numbers of a confusion matrix are legible on every cell.

#include "plugin/monitor/confusion_image.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>

#include "plugin/data/images/image.h"

namespace strop {
namespace {

// https://www.w3.org/TR/WCAG22/#dfn-relative-luminance
double Luminance(const uint8_t* pixel) {
  const auto linear = [](double channel) {
    return channel <= 0.04045 ? channel / 12.92 : std::pow((channel + 0.055) / 1.055, 2.4);
  };
  return 0.2126 * linear(pixel[0] / 255.0) + 0.7152 * linear(pixel[1] / 255.0) +
         0.0722 * linear(pixel[2] / 255.0);
}

Image Drawn(const ConfusionMatrix& matrix) {
  const std::filesystem::path path =
      std::filesystem::path(testing::TempDir()) / ("confusion" + std::to_string(getpid()) + ".png");
  std::ofstream(path, std::ios::binary) << DrawConfusionMatrix(matrix)->png;
  Image image = *DecodeImage(path, Orientation::kAsStored);
  std::filesystem::remove(path);
  return image;
}

TEST(ConfusionImage, NumbersStandOutOfTheirCells) {
  for (int64_t share = 5; share <= 95; share += 5) {
    const Image image = Drawn({"m", {"a", "b"}, {{share, 100 - share}, {0, 1}}});
    // The cell of the first row and column: its color is that of most pixels, the ink the other.
    const int64_t cell = image.width / 2;
    std::vector<double> lightness;
    for (int64_t y = 2; y < cell - 2; ++y) {
      for (int64_t x = 2; x < cell - 2; ++x) {
        lightness.push_back(
            Luminance(&image.pixels[static_cast<size_t>(3 * (y * image.width + x))]));
      }
    }
    const auto [dark, light] = std::minmax_element(lightness.begin(), lightness.end());
    EXPECT_GE((*light + 0.05) / (*dark + 0.05), 4.5) << share;
  }
}

}  // namespace
}  // namespace strop
