#include "plugin/data/images/augmentation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "plugin/data/images/image_color.h"
#include "plugin/data/images/image_geometry.h"

namespace strop {
namespace {

using Json = nlohmann::json;

std::vector<Json> Goldens() {
  std::ifstream file(std::string(STROP_GOLDENS) + "/augmentation.json");
  return Json::parse(file).get<std::vector<Json>>();
}

FloatImage ImageOf(const Json& golden) {
  return {golden["height"], golden["width"], 3, golden["pixels"].get<std::vector<float>>()};
}

FloatImage Apply(const std::string& operation, const std::vector<double>& arguments,
                 FloatImage image) {
  const auto whole = [&](size_t i) { return static_cast<int64_t>(arguments[i]); };
  if (operation == "flip_horizontally") FlipHorizontally(image);
  if (operation == "flip_vertically") FlipVertically(image);
  if (operation == "crop") image = Crop(image, {whole(0), whole(1), whole(2), whole(3)});
  if (operation == "rotate") image = Rotate(image, arguments[0]);
  if (operation == "resize") image = ResizeBilinear(image, {whole(0), whole(1)});
  if (operation == "brightness") AdjustBrightness(image, arguments[0]);
  if (operation == "contrast") AdjustContrast(image, arguments[0]);
  if (operation == "saturation") AdjustSaturation(image, arguments[0]);
  if (operation == "hue") AdjustHue(image, arguments[0]);
  return image;
}

TEST(Augmentation, TransformsEqualPillows) {
  const std::vector<Json> goldens = Goldens();
  const FloatImage image = ImageOf(goldens[0]);
  std::map<std::string, int> tested;
  for (const Json& golden : goldens) {
    const std::string operation = golden["operation"];
    const auto arguments = golden["arguments"].get<std::vector<double>>();
    const FloatImage found = Apply(operation, arguments, image);
    const FloatImage expected = ImageOf(golden);
    ASSERT_EQ(found.height, expected.height) << operation;
    ASSERT_EQ(found.width, expected.width) << operation;
    // Pillow rounds these colours to bytes, the mean or luma among them first.
    const bool is_rounded =
        operation == "brightness" || operation == "contrast" || operation == "saturation";
    const double tolerance = is_rounded ? 1.6 / 255 : 1e-6;
    for (size_t i = 0; i < expected.pixels.size(); ++i) {
      EXPECT_NEAR(found.pixels[i], expected.pixels[i], tolerance)
          << golden["operation"] << " " << golden["arguments"] << " " << i;
    }
    ++tested[operation];
  }
  EXPECT_EQ(tested.size(), 10u);
}

TEST(Augmentation, GreyKeepsItsHueAndSaturation) {
  FloatImage image{1, 2, 1, {0.25f, 0.5f}};
  AdjustHue(image, 0.3);
  AdjustSaturation(image, 2);
  EXPECT_EQ(image.pixels, (std::vector<float>{0.25f, 0.5f}));
  AdjustContrast(image, 2);
  EXPECT_EQ(image.pixels, (std::vector<float>{0.125f, 0.625f}));
}

constexpr ImageSize kSize = {2400, 3200};  // large, so that whole pixels hardly matter
constexpr int64_t kSamples = 4000;

std::vector<AugmentationDraw> Draws(const AugmentationOptions& options, AugmentationKey key = {}) {
  std::vector<AugmentationDraw> draws;
  for (int64_t i = 0; i < kSamples; ++i) {
    draws.push_back(DrawAugmentation(options, key, i, kSize, kSize));
  }
  return draws;
}

// The largest distance between the numbers' distribution and the even one on [low, high], against
// the bound of Kolmogorov and Smirnov at 1e-6.
void ExpectEven(std::vector<double> numbers, double low, double high) {
  std::sort(numbers.begin(), numbers.end());
  EXPECT_GE(numbers.front(), low - 1e-3);
  EXPECT_LE(numbers.back(), high + 1e-3);
  const auto count = static_cast<double>(numbers.size());
  for (size_t i = 0; i < numbers.size(); ++i) {
    const double share = (numbers[i] - low) / (high - low);
    EXPECT_NEAR((static_cast<double>(i) + 0.5) / count, share, 2.7 / std::sqrt(count));
  }
}

TEST(Augmentation, NothingIsDrawnByDefault) {
  const AugmentationDraw draw = DrawAugmentation({}, {1, 2}, 3, kSize, kSize);
  FloatImage image{2, 2, 1, {1, 2, 3, 4}};
  Augment(draw, image);
  EXPECT_EQ(image.pixels, (std::vector<float>{1, 2, 3, 4}));
  EXPECT_FALSE(draw.kept || draw.erased);
}

TEST(Augmentation, FlipsAsOftenAsAsked) {
  AugmentationOptions options;
  options.horizontal_flip = 0.3;
  options.vertical_flip = 0.5;
  double horizontal = 0;
  double vertical = 0;
  double both = 0;
  for (const AugmentationDraw& draw : Draws(options)) {
    horizontal += draw.flips_horizontally;
    vertical += draw.flips_vertically;
    both += draw.flips_horizontally && draw.flips_vertically;
  }
  EXPECT_NEAR(horizontal / kSamples, 0.3, 0.035);
  EXPECT_NEAR(vertical / kSamples, 0.5, 0.04);
  EXPECT_NEAR(both / kSamples, 0.15, 0.03);
}

TEST(Augmentation, AnglesAndColoursAreEven) {
  AugmentationOptions options;
  options.rotation = 20;
  options.brightness = 0.4;
  options.contrast = 1.5;
  options.hue = 0.1;
  std::vector<std::vector<double>> drawn(4);
  std::map<std::array<AugmentationDraw::Color, 4>, int> orders;
  for (const AugmentationDraw& draw : Draws(options)) {
    drawn[0].push_back(draw.degrees);
    drawn[1].push_back(draw.color[0]);
    drawn[2].push_back(draw.color[1]);
    drawn[3].push_back(draw.color[3]);
    EXPECT_EQ(draw.color[2], 1);
    ++orders[draw.color_order];
  }
  ExpectEven(drawn[0], -20, 20);
  ExpectEven(drawn[1], 0.6, 1.4);
  ExpectEven(drawn[2], 0, 2.5);
  ExpectEven(drawn[3], -0.1, 0.1);
  EXPECT_EQ(orders.size(), 24u);
  for (const auto& [order, count] : orders) EXPECT_NEAR(count, kSamples / 24, 65);
}

TEST(Augmentation, WindowsReachEveryOffset) {
  AugmentationOptions options;
  options.crop_padding = 2;
  std::map<int64_t, int> tops;
  std::map<int64_t, int> lefts;
  for (const AugmentationDraw& draw : Draws(options)) {
    ++tops[draw.window.top];
    ++lefts[draw.window.left];
    EXPECT_EQ((ImageSize{draw.window.height, draw.window.width}), kSize);
  }
  for (const auto& counts : {tops, lefts}) {
    EXPECT_EQ(counts.size(), 5u);
    EXPECT_EQ(counts.begin()->first, -2);
    for (const auto& [offset, count] : counts) EXPECT_NEAR(count, kSamples / 5, 130);
  }
}

void ExpectInside(const ImageBox& box) {
  EXPECT_GE(box.top, 0);
  EXPECT_GE(box.left, 0);
  EXPECT_LE(box.top + box.height, kSize.height);
  EXPECT_LE(box.left + box.width, kSize.width);
}

TEST(Augmentation, BoxesKeepTheirShareAndRatio) {
  AugmentationOptions options;
  options.resized_crop = {0.3, 0.5};
  options.erasing = 0.7;
  std::vector<double> shares;
  std::set<int64_t> lefts;
  double erased = 0;
  const auto area = static_cast<double>(kSize.height * kSize.width);
  for (const AugmentationDraw& draw : Draws(options)) {
    ASSERT_TRUE(draw.kept.has_value());
    ExpectInside(*draw.kept);
    const double ratio =
        static_cast<double>(draw.kept->width) / static_cast<double>(draw.kept->height);
    EXPECT_NEAR(std::log(ratio), 0, std::log(4.0 / 3) + 1e-3);
    shares.push_back(static_cast<double>(draw.kept->height * draw.kept->width) / area);
    lefts.insert(draw.kept->left);
    if (!draw.erased) continue;
    ++erased;
    ExpectInside(*draw.erased);
    const auto share = static_cast<double>(draw.erased->height * draw.erased->width) / area;
    EXPECT_GT(share, 0.0199);
    EXPECT_LT(share, 0.3301);
  }
  EXPECT_NEAR(erased / kSamples, 0.7, 0.035);
  ExpectEven(shares, 0.3, 0.5);
  EXPECT_GT(lefts.size(), 10u);
}

TEST(Augmentation, DependsOnSeedEpochAndSampleAlone) {
  AugmentationOptions options;
  options.rotation = 90;
  const auto degrees = [&](AugmentationKey key, int64_t sample) {
    return DrawAugmentation(options, key, sample, kSize, kSize).degrees;
  };
  EXPECT_EQ(degrees({1, 2}, 3), degrees({1, 2}, 3));
  std::set<double> different;
  for (uint64_t seed : {0, 1}) {
    for (uint64_t epoch : {1, 2}) {
      for (int64_t sample : {0, 1, 2}) different.insert(degrees({seed, epoch}, sample));
    }
  }
  EXPECT_EQ(different.size(), 12u);
}

}  // namespace
}  // namespace strop
