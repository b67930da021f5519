#include "plugin/training/optimization/batch_mixer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

namespace strop {
namespace {

constexpr int64_t kSamples = 5;
constexpr int64_t kClasses = 3;
const Shape kImages = {kSamples, 2, 6, 4};

std::vector<InputInterface> ImageInputs() {
  return {{"x", {DataType::kFloat, Shape{kUnknownDimension, 2, 6, 4}}}};
}

TargetInterface Labels() {
  TargetInterface target;
  target.kind = TargetInterface::Kind::kClasses;
  target.type = {DataType::kInt64, Shape{kUnknownDimension}};
  target.class_count = kClasses;
  return target;
}

const TensorType kProbabilities = {DataType::kFloat, Shape{kUnknownDimension, kClasses}};

// Every number once.
std::vector<Tensor> Batch() {
  std::vector<float> pixels(static_cast<size_t>(ElementCount(kImages)));
  for (size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<float>(i);
  return {Tensor::FromVector<float>(kImages, pixels),
          Tensor::FromVector<int64_t>({kSamples}, {0, 1, 2, 0, 2})};
}

BatchMixer Mixer(const MixOptions& options, uint64_t seed = 1) {
  return *BatchMixer::Create(options, seed, LossKind::kCrossEntropy, ImageInputs(), Labels(),
                             kProbabilities);
}

// The share of the samples' own in a mixed batch, and that the targets have it everywhere.
double ShareOf(absl::Span<const Tensor> mixed) {
  const absl::Span<const float> rows = mixed[1].elements<float>();
  // Sample 1 is of class 1, its neighbour before it of class 0.
  const double share = rows[kClasses + 1];
  const std::vector<int64_t> labels = {0, 1, 2, 0, 2};
  for (int64_t row = 0; row < kSamples; ++row) {
    const int64_t before = (row + kSamples - 1) % kSamples;
    for (int64_t c = 0; c < kClasses; ++c) {
      const double expected = (labels[static_cast<size_t>(row)] == c ? share : 0) +
                              (labels[static_cast<size_t>(before)] == c ? 1 - share : 0);
      EXPECT_NEAR(rows[static_cast<size_t>(row * kClasses + c)], expected, 1e-6);
    }
  }
  return share;
}

// Where the element of the sample before lies.
size_t Before(size_t i) {
  const size_t length = static_cast<size_t>(ElementCount(kImages)) / kSamples;
  return (i + length * (kSamples - 1)) % (length * kSamples);
}

TEST(BatchMixer, LeavesABatchAlone) {
  const std::vector<Tensor> batch = Batch();
  BatchMixer mixer = Mixer({});
  EXPECT_EQ((*mixer.Mix(batch, 3)).data(), batch.data());
}

TEST(BatchMixer, MixupBlendsNeighbours) {
  const std::vector<Tensor> batch = Batch();
  BatchMixer mixer = Mixer({.mixup_alpha = 0.7});
  std::set<double> shares;
  for (int64_t number = 0; number < 20; ++number) {
    const absl::Span<const Tensor> mixed = *mixer.Mix(batch, number);
    const double share = ShareOf(mixed);
    shares.insert(share);
    const absl::Span<const float> pixels = mixed[0].elements<float>();
    for (size_t i = 0; i < pixels.size(); ++i) {
      const double expected =
          share * static_cast<double>(i) + (1 - share) * static_cast<double>(Before(i));
      EXPECT_NEAR(pixels[i], expected, 1e-4);
    }
  }
  EXPECT_GT(shares.size(), 15u);
}

// The pixels of sample `row` of plane 0 that come from the neighbour.
ImageBox PastedBox(absl::Span<const float> pixels) {
  int64_t top = 6;
  int64_t left = 4;
  int64_t bottom = 0;
  int64_t right = 0;
  int64_t count = 0;
  for (int64_t y = 0; y < 6; ++y) {
    for (int64_t x = 0; x < 4; ++x) {
      if (pixels[static_cast<size_t>(y * 4 + x)] == static_cast<float>(y * 4 + x)) continue;
      top = std::min(top, y);
      left = std::min(left, x);
      bottom = std::max(bottom, y + 1);
      right = std::max(right, x + 1);
      ++count;
    }
  }
  if (count == 0) return {};
  EXPECT_EQ(count, (bottom - top) * (right - left));  // a whole box
  return {top, left, bottom - top, right - left};
}

TEST(BatchMixer, CutmixPastesABox) {
  const std::vector<Tensor> batch = Batch();
  BatchMixer mixer = Mixer({.cutmix_alpha = 1});
  std::set<int64_t> areas;
  for (int64_t number = 0; number < 40; ++number) {
    const absl::Span<const Tensor> mixed = *mixer.Mix(batch, number);
    const absl::Span<const float> pixels = mixed[0].elements<float>();
    const ImageBox box = PastedBox(pixels);
    areas.insert(box.height * box.width);
    EXPECT_NEAR(ShareOf(mixed), 1 - static_cast<double>(box.height * box.width) / 24, 1e-6);
    for (size_t i = 0; i < pixels.size(); ++i) {
      const auto pixel = static_cast<int64_t>(i % 24);
      const size_t from = box.Holds(pixel / 4, pixel % 4) ? Before(i) : i;
      EXPECT_EQ(pixels[i], static_cast<float>(from));
    }
  }
  EXPECT_GT(areas.size(), 4u);
}

TEST(BatchMixer, CutmixKnowsWhereTheChannelsAre) {
  std::vector<Tensor> batch = Batch();
  batch[0] = Tensor::FromVector<float>({kSamples, 4, 4, 3}, [] {
    std::vector<float> pixels(kSamples * 48);
    for (size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<float>(i);
    return pixels;
  }());
  const std::vector<InputInterface> inputs = {{"x", {DataType::kFloat, Shape{-1, 4, 4, 3}}}};
  BatchMixer mixer = *BatchMixer::Create({.cutmix_alpha = 1}, 1, LossKind::kCrossEntropy, inputs,
                                         Labels(), kProbabilities);
  for (int64_t number = 0; number < 20; ++number) {
    const absl::Span<const Tensor> mixed = *mixer.Mix(batch, number);
    const absl::Span<const float> pixels = mixed[0].elements<float>();
    for (size_t i = 0; i < pixels.size(); i += 3) {  // a pixel moves with all its channels
      EXPECT_EQ(pixels[i + 2] - pixels[i], 2);
    }
  }
}

TEST(BatchMixer, BothTakeTurns) {
  const std::vector<Tensor> batch = Batch();
  BatchMixer mixer = Mixer({.mixup_alpha = 1, .cutmix_alpha = 1});
  double blended = 0;
  for (int64_t number = 0; number < 1000; ++number) {
    const absl::Span<const float> pixels = (*mixer.Mix(batch, number))[0].elements<float>();
    const bool is_whole = std::all_of(pixels.begin(), pixels.end(),
                                      [](float pixel) { return pixel == std::floor(pixel); });
    blended += is_whole ? 0 : 1;
  }
  EXPECT_NEAR(blended / 1000, 0.5, 0.07);
}

TEST(BatchMixer, SharesAreOfTheBetaDistribution) {
  for (const double alpha : {0.2, 1.0, 4.0}) {
    RandomDraws draws(1, 2, 3);
    double sum = 0;
    double squares = 0;
    constexpr int kDraws = 20000;
    for (int i = 0; i < kDraws; ++i) {
      const double share = DrawMixingShare(draws, alpha);
      ASSERT_TRUE(share >= 0 && share <= 1);
      sum += share;
      squares += (share - 0.5) * (share - 0.5);
    }
    EXPECT_NEAR(sum / kDraws, 0.5, 0.015);
    EXPECT_NEAR(squares / kDraws, 1 / (4 * (2 * alpha + 1)), 0.005);
  }
}

TEST(BatchMixer, DependsOnSeedAndNumberAlone) {
  const std::vector<Tensor> batch = Batch();
  BatchMixer mixer = Mixer({.mixup_alpha = 1});
  BatchMixer other = Mixer({.mixup_alpha = 1}, 2);
  const double first = ShareOf(*mixer.Mix(batch, 7));
  EXPECT_NE(ShareOf(*mixer.Mix(batch, 8)), first);
  EXPECT_EQ(ShareOf(*mixer.Mix(batch, 7)), first);
  EXPECT_NE(ShareOf(*other.Mix(batch, 7)), first);
}

TEST(BatchMixer, MixesBinaryTargets) {
  TargetInterface target;
  target.kind = TargetInterface::Kind::kNumbers;
  const TensorType numbers = {DataType::kFloat, Shape{kUnknownDimension}};
  BatchMixer mixer = *BatchMixer::Create({.mixup_alpha = 1}, 1, LossKind::kBinaryCrossEntropy,
                                         ImageInputs(), target, numbers);
  std::vector<Tensor> batch = Batch();
  batch[1] = Tensor::FromVector<float>({kSamples}, {0, 1, 0, 0, 0});
  const absl::Span<const Tensor> mixed = *mixer.Mix(batch, 0);
  const absl::Span<const float> targets = mixed[1].elements<float>();
  EXPECT_NEAR(targets[1] + targets[2], 1, 1e-6);
  EXPECT_EQ(targets[0] + targets[3] + targets[4], 0);
}

TEST(BatchMixer, RefusesWhatCannotBeMixed) {
  const auto create = [](const MixOptions& options, LossKind loss, const TensorType& input,
                         const TensorType& step_target) {
    return BatchMixer::Create(options, 0, loss, {{"x", input}}, Labels(), step_target).status();
  };
  const TensorType images = ImageInputs()[0].type;
  const TensorType rows = {DataType::kFloat, Shape{kUnknownDimension, 4}};
  const TensorType tokens = {DataType::kInt64, Shape{kUnknownDimension, 4}};
  const TensorType dense = {DataType::kFloat, Shape{kUnknownDimension, kClasses, 6, 4}};
  const TensorType open = {DataType::kFloat, Shape{kUnknownDimension, kUnknownDimension}};
  const MixOptions mixup = {.mixup_alpha = 1};
  const MixOptions cutmix = {.cutmix_alpha = 1};
  constexpr LossKind kCross = LossKind::kCrossEntropy;
  EXPECT_TRUE(create(mixup, kCross, rows, kProbabilities).ok());
  EXPECT_FALSE(create(mixup, LossKind::kMeanSquaredError, rows, kProbabilities).ok());
  EXPECT_FALSE(create(mixup, kCross, tokens, kProbabilities).ok());
  EXPECT_FALSE(create(mixup, kCross, images, dense).ok());
  EXPECT_FALSE(create(mixup, kCross, images, open).ok());
  EXPECT_FALSE(create(cutmix, kCross, rows, kProbabilities).ok());
  std::vector<Tensor> batch = Batch();
  batch[1] = Tensor::FromVector<int64_t>({kSamples}, {0, -100, 2, 0, 2});
  EXPECT_FALSE(Mixer(mixup).Mix(batch, 0).ok());
}

}  // namespace
}  // namespace strop
