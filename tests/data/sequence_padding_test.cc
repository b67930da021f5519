#include "plugin/data/sequence_padding.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugin/data/arrays/array_source.h"
#include "plugin/data/batch_reader.h"

namespace strop {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr int64_t kOpen = kUnknownDimension;

InputInterface Input(const std::string& name, DataType type, Shape shape) {
  return {name, {type, std::move(shape)}};
}

std::vector<InputInterface> TokenInputs(int64_t length = kOpen) {
  return {Input("input_ids", DataType::kInt64, {kOpen, length}),
          Input("attention_mask", DataType::kInt64, {kOpen, length})};
}

Tensor Integers(Shape shape, const std::vector<int64_t>& numbers) {
  return Tensor::FromVector(std::move(shape), numbers);
}

// Three samples of 2, 5 and 3 tokens, padded to 6.
std::vector<NamedTensor> Tokens() {
  return {
      {"input_ids", Integers({3, 6}, {1, 2, 0, 0, 0, 0, 3, 4, 5, 6, 7, 0, 8, 9, 10, 0, 0, 0})},
      {"attention_mask", Integers({3, 6}, {1, 1, 0, 0, 0, 0, 1, 1, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0})}};
}

struct Padded {
  std::shared_ptr<SequencePadding> padding;
  std::unique_ptr<DataSource> bound;
  DataShapes shapes;
};

absl::StatusOr<Padded> Open(std::vector<NamedTensor> arrays,
                            const std::vector<InputInterface>& inputs, PaddingOptions options,
                            const TargetInterface& target = {}) {
  std::unique_ptr<DataSource> source = *ArraySource::Create("test.npz", std::move(arrays));
  Padded padded;
  const bool has_target = target.kind != TargetInterface::Kind::kNone;
  padded.shapes = *ShapesFor(*source, inputs, 2, has_target);
  auto padding = SequencePadding::Read(*source, inputs, options, padded.shapes);
  if (!padding.ok()) return padding.status();
  padded.padding = *std::move(padding);
  padded.bound = *BindToModel(std::move(source), inputs, target);
  const absl::Status taken = padded.padding->TakeTarget(*padded.bound, target);
  if (!taken.ok()) return taken;
  return padded;
}

std::string Refusal(std::vector<NamedTensor> arrays, const std::vector<InputInterface>& inputs,
                    const TargetInterface& target = {}) {
  const auto opened = Open(std::move(arrays), inputs, {.multiple = 1}, target);
  return opened.ok() ? "" : std::string(opened.status().message());
}

std::vector<int64_t> Elements(const Tensor& tensor) {
  const auto elements = tensor.elements<int64_t>();
  return {elements.begin(), elements.end()};
}

TargetInterface TokenClasses() {
  TargetInterface target;
  target.kind = TargetInterface::Kind::kClasses;
  target.type = {DataType::kInt64, Shape{kOpen, kOpen}};
  target.class_count = 4;
  return target;
}

TEST(SequencePadding, CutsABatchToItsLongestSampleByTheMask) {
  const auto padded = Open(Tokens(), TokenInputs(), {.multiple = 1});
  ASSERT_TRUE(padded.ok()) << padded.status();
  EXPECT_THAT(padded->padding->lengths(), ElementsAre(2, 5, 3));
  EXPECT_EQ(padded->padding->longest_sample(), 1);
  EXPECT_EQ(padded->shapes.shorter_inputs, (std::vector<Shape>{{3}, {3}}));
  BatchReader reader(*padded->bound, padded->padding);
  const auto batch = *reader.Read({2, 0});
  EXPECT_EQ(batch[0].shape(), (Shape{2, 3}));
  EXPECT_THAT(Elements(batch[0]), ElementsAre(8, 9, 10, 1, 2, 0));
  EXPECT_THAT(Elements(batch[1]), ElementsAre(1, 1, 1, 1, 1, 0));
  EXPECT_THAT(Elements((*reader.Read({0}))[0]), ElementsAre(1, 2));
  EXPECT_THAT(Elements((*reader.Read({1}))[0]), ElementsAre(3, 4, 5, 6, 7));
}

TEST(SequencePadding, RoundsUpToAMultipleButNotBeyondTheData) {
  const auto padded = Open(Tokens(), TokenInputs(), {.multiple = 4});
  ASSERT_TRUE(padded.ok()) << padded.status();
  BatchReader reader(*padded->bound, padded->padding);
  EXPECT_EQ((*reader.Read({0, 2}))[0].shape(), (Shape{2, 4}));
  EXPECT_EQ((*reader.Read({0, 1}))[0].shape(), (Shape{2, 6}));
}

TEST(SequencePadding, TakesLengthsOfAnArrayBeforeTheMask) {
  std::vector<NamedTensor> arrays = Tokens();
  arrays.push_back({"tokens", Integers({3}, {1, 1, 4})});
  const auto padded = Open(arrays, TokenInputs(), {.multiple = 1, .length_name = "tokens"});
  ASSERT_TRUE(padded.ok()) << padded.status();
  EXPECT_THAT(padded->padding->lengths(), ElementsAre(1, 1, 4));
}

// Waveforms [samples, 1, time], and an attention bias [samples, time, time].
TEST(SequencePadding, CutsEveryFreeAxisOfThatLength) {
  std::vector<float> bias;
  for (int i = 0; i < 18; ++i) bias.push_back(static_cast<float>(i));
  const std::vector<InputInterface> inputs = {
      Input("wave", DataType::kFloat, {kOpen, 1, kOpen}),
      Input("bias", DataType::kFloat, {kOpen, kOpen, kOpen}),
      Input("codes", DataType::kFloat, {kOpen, 3})};
  const auto padded = Open({{"wave", Tensor::FromVector<float>({2, 1, 3}, {1, 2, 3, 4, 5, 6})},
                            {"bias", Tensor::FromVector<float>({2, 3, 3}, bias)},
                            {"codes", Tensor::FromVector<float>({2, 3}, {0, 1, 2, 3, 4, 5})},
                            {"length", Integers({2}, {1, 2})}},
                           inputs, {.multiple = 1});
  ASSERT_TRUE(padded.ok()) << padded.status();
  BatchReader reader(*padded->bound, padded->padding);
  const auto batch = *reader.Read({0, 1});
  EXPECT_EQ(batch[0].shape(), (Shape{2, 1, 2}));
  EXPECT_THAT(batch[0].elements<float>(), ElementsAre(1, 2, 4, 5));
  EXPECT_EQ(batch[1].shape(), (Shape{2, 2, 2}));
  EXPECT_THAT(batch[1].elements<float>(), ElementsAre(0, 1, 3, 4, 9, 10, 12, 13));
  EXPECT_EQ(batch[2].shape(), (Shape{2, 3}));  // fixed in the model
}

TEST(SequencePadding, CutsTargetsOfTokensWhosePaddingDoesNotCount) {
  std::vector<NamedTensor> arrays = Tokens();
  arrays.push_back({"target", Integers({3, 6}, {1, 2, -100, -100, -100, -100,  //
                                                0, 1, 2, 3, 1, -100,           //
                                                3, 0, -100, -100, -100, -100})});
  const auto padded = Open(arrays, TokenInputs(), {.multiple = 1}, TokenClasses());
  ASSERT_TRUE(padded.ok()) << padded.status();
  BatchReader reader(*padded->bound, padded->padding);
  EXPECT_THAT(Elements((*reader.Read({0, 2}))[2]), ElementsAre(1, 2, -100, 3, 0, -100));
  EXPECT_EQ(reader.ReadTargets({0, 2})->target->shape(), (Shape{2, 6}));
  arrays.back() = {"target", Integers({3, 6}, std::vector<int64_t>(18, 1))};
  EXPECT_THAT(Refusal(arrays, TokenInputs(), TokenClasses()),
              HasSubstr("row 0: --pad-to-multiple-of: found label 1 at the padding"));
  arrays.back() = {"target", Integers({3, 5}, std::vector<int64_t>(15, -100))};
  EXPECT_THAT(Refusal(arrays, TokenInputs(), TokenClasses()), HasSubstr("expected 6 positions"));
}

TEST(SequencePadding, IsNothingWithoutTheOption) {
  std::unique_ptr<DataSource> source = *ArraySource::Create("test.npz", Tokens());
  DataShapes shapes = *ShapesFor(*source, TokenInputs(), 2, false);
  EXPECT_EQ(*SequencePadding::Read(*source, TokenInputs(), {}, shapes), nullptr);
  EXPECT_TRUE(shapes.shorter_inputs.empty());
}

TEST(SequencePadding, RefusesWhatTellsNoLengths) {
  const std::vector<InputInterface> ids = {Input("input_ids", DataType::kInt64, {kOpen, kOpen})};
  EXPECT_THAT(Refusal({Tokens()[0]}, ids), HasSubstr("no input of the model that is a mask"));
  EXPECT_THAT(Refusal(Tokens(), TokenInputs(6)),
              HasSubstr("the model's input \"attention_mask\" is int64"));
  std::vector<NamedTensor> arrays = Tokens();
  arrays[1].tensor = Integers({3, 6}, {1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1});
  EXPECT_THAT(Refusal(arrays, TokenInputs()), HasSubstr("row 1: found padding in front"));
  arrays = Tokens();
  arrays.push_back({"length", Integers({3}, {1, 7, 2})});
  EXPECT_THAT(Refusal(arrays, TokenInputs()),
              HasSubstr("row 1: found 7, expected a whole number from 0 to 6"));
}

}  // namespace
}  // namespace strop
