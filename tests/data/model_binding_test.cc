#include "plugin/data/model_binding.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <tuple>

#include "plugin/data/arrays/array_source.h"

namespace strop {
namespace {

std::unique_ptr<DataSource> Source(std::vector<NamedTensor> arrays) {
  return *ArraySource::Create("test.npz", std::move(arrays));
}

InputInterface Input(const std::string& name, DataType type, Shape shape) {
  return {name, {type, std::move(shape)}};
}

TargetInterface Classes(int64_t count) {
  TargetInterface target;
  target.kind = TargetInterface::Kind::kClasses;
  target.class_count = count;
  return target;
}

Tensor Doubles(Shape shape, const std::vector<double>& numbers) {
  return Tensor::FromVector(std::move(shape), numbers);
}

std::string MessageOf(const absl::Status& status) { return std::string(status.message()); }

TEST(BindToModel, TakesTheOnlyArrayForTheOnlyInputAndRounds) {
  auto bound = BindToModel(
      Source({{"features", Doubles({2, 2}, {0.1, 2, 3, 4})}, {"target", Doubles({2}, {1, 0})}}),
      {Input("input.1", DataType::kFloat, {kUnknownDimension, 2})}, Classes(2));
  ASSERT_TRUE(bound.ok()) << bound.status();
  std::vector<Tensor> batch = (*bound)->MakeBatch(2);
  ASSERT_TRUE((*bound)->Read({1, 0}, absl::MakeSpan(batch)).ok());
  EXPECT_EQ(batch[0].elements<float>()[2], 0.1f);
  EXPECT_EQ(batch[1].type(), DataType::kInt64);
  EXPECT_EQ(batch[1].elements<int64_t>()[1], 1);
}

TEST(BindToModel, FindsInputsByNameInTheModelsOrder) {
  auto bound = BindToModel(
      Source({{"b", Doubles({1, 1}, {2})}, {"a", Tensor::FromVector<int32_t>({1, 1}, {1})}}),
      {Input("a", DataType::kFloat, {1, 1}), Input("b", DataType::kInt64, {1, 1})}, {});
  ASSERT_TRUE(bound.ok()) << bound.status();
  EXPECT_EQ((*bound)->fields()[0].name, "a");
  std::vector<Tensor> batch = (*bound)->MakeBatch(1);
  ASSERT_TRUE((*bound)->Read({0}, absl::MakeSpan(batch)).ok());
  EXPECT_EQ(batch[0].elements<float>()[0], 1);
  EXPECT_EQ(batch[1].elements<int64_t>()[0], 2);
}

TEST(BindToModel, AddsAndDropsAxesOfLengthOneAndFlattens) {
  const auto shape_for = [](Shape found, Shape expected) {
    const std::vector<double> zeros(static_cast<size_t>(ElementCount(found)));
    auto bound = BindToModel(Source({{"x", Doubles(found, zeros)}}),
                             {Input("x", DataType::kFloat, std::move(expected))}, {});
    return bound.ok() ? (*bound)->fields()[0].shape : Shape{-7};
  };
  EXPECT_EQ(shape_for({3, 4, 4}, {-1, 1, 4, 4}), (Shape{1, 4, 4}));
  EXPECT_EQ(shape_for({3, 4, 4}, {-1, 16}), (Shape{16}));
  EXPECT_EQ(shape_for({3}, {-1, 1}), (Shape{1}));
  EXPECT_EQ(shape_for({3, 5, 2}, {-1, -1, 2}), (Shape{5, 2}));
  EXPECT_EQ(shape_for({3, 5, 2}, {-1, 2, 5}), (Shape{-7}));
}

TEST(BindToModel, RefusesWhatDoesNotFit) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto x = Input("x", DataType::kFloat, {kUnknownDimension, 2});
  const auto problem = [&](std::vector<NamedTensor> arrays, const InputInterface& input,
                           const TargetInterface& target) {
    auto bound = BindToModel(Source(std::move(arrays)), {input}, target);
    EXPECT_FALSE(bound.ok());
    EXPECT_EQ(bound.status().code(), absl::StatusCode::kInvalidArgument);
    return MessageOf(bound.status());
  };
  const NamedTensor good = {"x", Doubles({2, 2}, {1, 2, 3, 4})};
  EXPECT_NE(problem({{"x", Doubles({1, 3}, {1, 2, 3})}}, x, {}).find("3 features"),
            std::string::npos);
  EXPECT_NE(problem({{"x", Doubles({2, 2}, {1, 2, nan, 4})}}, x, {}).find("row 1: found nan"),
            std::string::npos);
  EXPECT_NE(problem({{"x", Doubles({1, 2}, {1, 1e300})}}, x, {}).find("row 0: found 1e+300"),
            std::string::npos);
  EXPECT_NE(problem({good, {"target", Doubles({2}, {0, 0.5})}}, x, Classes(3)).find("found 0.5"),
            std::string::npos);
  EXPECT_NE(problem({good, {"target", Doubles({2}, {0, 3})}}, x, Classes(3))
                .find("row 1: found 3, expected a class from 0 to 2"),
            std::string::npos);
  EXPECT_NE(problem({good, {"target", Doubles({2}, {-1, 0})}}, x, Classes(3)).find("found -1"),
            std::string::npos);
  EXPECT_NE(problem({good}, x, Classes(3)).find("--target"), std::string::npos);
  EXPECT_NE(problem({{"x", Tensor(DataType::kFloat, {0, 2})}}, x, {}).find("no sample"),
            std::string::npos);
  EXPECT_NE(problem({good}, Input("x", DataType::kString, {kUnknownDimension, 2}), {})
                .find("expected string"),
            std::string::npos);
  EXPECT_NE(problem({good, {"y", Doubles({2}, {0, 1})}},
                    Input("image", DataType::kFloat, {kUnknownDimension, 2, 7}), {})
                .find("[2,7]"),
            std::string::npos);
}

TEST(BindToModel, KeepsTheLabelThatTheLossIgnores) {
  TargetInterface target = Classes(2);
  target.ignore_index = -100;
  auto bound =
      BindToModel(Source({{"x", Doubles({2, 1}, {1, 2})}, {"target", Doubles({2}, {-100, 1})}}),
                  {Input("x", DataType::kFloat, {kUnknownDimension, 1})}, target);
  EXPECT_TRUE(bound.ok()) << bound.status();
}

// Data that are decoded as they are read, so that nothing can be checked before.
class Streamed : public DataSource {
 public:
  explicit Streamed(std::unique_ptr<DataSource> source) : source_(std::move(source)) {}
  int64_t sample_count() const override { return source_->sample_count(); }
  const std::vector<DataField>& fields() const override { return source_->fields(); }
  const std::string& origin() const override { return source_->origin(); }
  absl::Status Read(absl::Span<const int64_t> indices, absl::Span<Tensor> batch) override {
    return source_->Read(indices, batch);
  }

 private:
  std::unique_ptr<DataSource> source_;
};

TEST(BindToModel, ChecksProbabilitiesBeforeTrainingAndWhileTheyStream) {
  TargetInterface target;
  target.kind = TargetInterface::Kind::kProbabilities;
  target.type = {DataType::kFloat, Shape{kUnknownDimension, 2, 2}};
  target.class_axis = 1;
  const auto arrays = [](const std::vector<double>& numbers) {
    return Source({{"x", Doubles({2, 1}, {1, 2})}, {"target", Doubles({2, 2, 2}, numbers)}});
  };
  const auto x = Input("x", DataType::kFloat, {kUnknownDimension, 1});
  const std::vector<double> good = {0.5, 0.5, 1, 0, 0.25, 0.75, 0, 1};
  EXPECT_TRUE(BindToModel(arrays(good), {x}, target).ok());
  for (const auto& [index, number, problem] : std::vector<std::tuple<size_t, double, std::string>>{
           {5, 0.5, "row 1: found class probabilities that add up to 0.75, expected 1"},
           {2, -1, "row 0: found -1, expected class probabilities from 0 on"}}) {
    std::vector<double> bad = good;
    bad[index] = number;
    const absl::Status before = BindToModel(arrays(bad), {x}, target).status();
    EXPECT_NE(MessageOf(before).find(problem), std::string::npos) << before;
    auto bound = BindToModel(std::make_unique<Streamed>(arrays(bad)), {x}, target);
    ASSERT_TRUE(bound.ok()) << bound.status();
    std::vector<Tensor> batch = (*bound)->MakeBatch(2);
    const absl::Status read = (*bound)->Read({0, 1}, absl::MakeSpan(batch));
    EXPECT_NE(MessageOf(read).find(problem), std::string::npos) << read;
  }
}

TEST(BindToModel, ChecksShares) {
  TargetInterface target;
  target.kind = TargetInterface::Kind::kShares;
  target.type = {DataType::kFloat, Shape{kUnknownDimension}};
  const auto x = Input("x", DataType::kFloat, {kUnknownDimension, 1});
  for (const auto& [number, is_good] : std::vector<std::pair<double, bool>>{
           {0, true}, {0.3, true}, {1, true}, {1.01, false}, {-0.01, false}}) {
    const absl::Status status =
        BindToModel(Source({{"x", Doubles({1, 1}, {1})}, {"target", Doubles({1}, {number})}}), {x},
                    target)
            .status();
    EXPECT_EQ(status.ok(), is_good) << number << ": " << status;
  }
}

TEST(ShapesFor, AreThoseOfBoundSamples) {
  const auto source = Source({{"x", Doubles({3, 2, 2}, std::vector<double>(12))},
                              {"target", Tensor::FromVector<int64_t>({3}, {0, 1, 0})}});
  const auto free = ShapesFor(*source, {Input("x", DataType::kFloat, {-1, 4})}, 2);
  ASSERT_TRUE(free.ok()) << free.status();
  EXPECT_EQ(free->inputs, (std::vector<Shape>{{4}}));
  EXPECT_EQ(free->target->shape, Shape());
  EXPECT_EQ(free->batch_size, 2);
  const auto fixed = ShapesFor(*source, {Input("x", DataType::kFloat, {16, 1, 2, 2})}, 2);
  ASSERT_TRUE(fixed.ok()) << fixed.status();
  EXPECT_EQ(fixed->inputs, (std::vector<Shape>{{1, 2, 2}}));
  EXPECT_EQ(fixed->batch_size, 16);
  const auto scalar = ShapesFor(*source, {Input("x", DataType::kFloat, {})}, 2);
  EXPECT_NE(MessageOf(scalar.status()).find("no batch axis"), std::string::npos);
}

TEST(ArraySource, RefusesArraysOfDifferentLength) {
  const auto source = ArraySource::Create(
      "test.npz", {{"x", Doubles({2, 1}, {1, 2})}, {"target", Doubles({3}, {0, 1, 0})}});
  ASSERT_FALSE(source.ok());
  EXPECT_NE(MessageOf(source.status()).find("3 samples, expected 2"), std::string::npos);
}

}  // namespace
}  // namespace strop
