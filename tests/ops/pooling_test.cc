#include <gtest/gtest.h>

#include "tests/ops/op_case.h"

namespace strop {
namespace {

using Ints = std::vector<int64_t>;

OpCase Pool(const std::string& op, Shape x, Attributes attributes = {}) {
  OpCase row;
  row.op = op;
  row.inputs = {Distinct(std::move(x))};
  row.attributes = std::move(attributes);
  return row;
}

// Windows that every pool must serve.
std::vector<std::pair<Shape, Attributes>> Windows() {
  return {
      {{2, 3, 9}, {{"kernel_shape", Ints{3}}}},
      {{2, 3, 7, 8}, {{"kernel_shape", Ints{3, 2}}, {"strides", Ints{2, 3}}}},
      {{2, 3, 7, 8}, {{"kernel_shape", Ints{3, 2}}, {"dilations", Ints{2, 3}}}},
      {{2, 3, 7, 8}, {{"kernel_shape", Ints{3, 3}}, {"pads", Ints{1, 0, 2, 1}}}},
      {{1, 2, 4, 5, 6}, {{"kernel_shape", Ints{2, 3, 2}}, {"strides", Ints{1, 2, 2}}}},
      {{2, 3, 8, 7},
       {{"kernel_shape", Ints{3, 3}},
        {"strides", Ints{2, 2}},
        {"ceil_mode", int64_t{1}},
        {"pads", Ints{1, 1, 1, 1}}}},
      {{1, 2, 6}, {{"kernel_shape", Ints{2}}, {"strides", Ints{3}}, {"ceil_mode", int64_t{1}}}},
      {{1, 2, 7, 7},
       {{"kernel_shape", Ints{4, 3}},
        {"strides", Ints{2, 2}},
        {"auto_pad", std::string("SAME_UPPER")}}},
      {{1, 2, 7, 7},
       {{"kernel_shape", Ints{4, 3}},
        {"strides", Ints{2, 2}},
        {"auto_pad", std::string("SAME_LOWER")}}},
      {{1, 2, 7, 7}, {{"kernel_shape", Ints{4, 3}}, {"auto_pad", std::string("VALID")}}},
      {{1, 1, 20, 20}, {{"kernel_shape", Ints{17, 16}}}},
  };
}

TEST(Pooling, MaxPool) {
  for (const auto& [x, attributes] : Windows()) CheckOp(Pool("MaxPool", x, attributes));
}

TEST(Pooling, MaxPoolWithIndices) {
  for (auto [x, attributes] : Windows()) {
    OpCase row = Pool("MaxPool", x, attributes);
    row.output_count = 2;
    CheckOp(row);
    row.attributes.Set("storage_order", int64_t{1});
    CheckOp(row);
  }
}

TEST(Pooling, IndicesCountAlongTheChosenOrder) {
  OpCase row = Pool("MaxPool", {1, 2, 2, 3}, {{"kernel_shape", Ints{2, 2}}});
  row.output_count = 2;
  row.inputs = {Fixed(Tensor::FromVector<float>({1, 2, 2, 3}, {1, 2, 9, 4, 5, 6,  //
                                                               7, 1, 2, 3, 4, 5}))};
  std::vector<Tensor> outputs = RunInDouble(row);
  EXPECT_EQ(std::vector<int64_t>(outputs[1].elements<int64_t>().begin(),
                                 outputs[1].elements<int64_t>().end()),
            (std::vector<int64_t>{4, 2, 6, 11}));
  row.attributes.Set("storage_order", int64_t{1});
  outputs = RunInDouble(row);
  EXPECT_EQ(std::vector<int64_t>(outputs[1].elements<int64_t>().begin(),
                                 outputs[1].elements<int64_t>().end()),
            (std::vector<int64_t>{3, 4, 6, 11}));
}

TEST(Pooling, TheFirstMaximumTakesTheGradient) {
  OpCase row = Pool("MaxPool", {1, 1, 4}, {{"kernel_shape", Ints{2}}});
  row.output_count = 3;
  row.inputs = {Fixed(Tensor::FromVector<float>({1, 1, 4}, {3, 3, 3, 5}))};
  const std::vector<Tensor> outputs = RunInDouble(row);
  const absl::Span<const uint8_t> winners = outputs[2].elements<uint8_t>();
  EXPECT_EQ(std::vector<int>(winners.begin(), winners.end()), (std::vector<int>{0, 0, 1}));
}

TEST(Pooling, AveragePool) {
  for (auto [x, attributes] : Windows()) {
    CheckOp(Pool("AveragePool", x, attributes));
    attributes.Set("count_include_pad", int64_t{1});
    CheckOp(Pool("AveragePool", x, attributes));
  }
}

TEST(Pooling, LpPool) {
  for (auto [x, attributes] : Windows()) {
    // The norm has a kink at 0: all windows keep away from it.
    OpCase row = Pool("LpPool", x, attributes);
    row.inputs = {Uniform(x, -2, 2, {0})};
    row.inputs[0].gap = 0.3;
    CheckOp(row);
    row.attributes.Set("p", int64_t{3});
    CheckOp(row);
    row.attributes.Set("p", int64_t{1});
    CheckOp(row);
  }
}

TEST(Pooling, GlobalPools) {
  for (const Shape& x : {Shape{2, 3, 5}, Shape{2, 3, 4, 5}, Shape{1, 2, 3, 2, 4}}) {
    CheckOp(Pool("GlobalMaxPool", x));
    CheckOp(Pool("GlobalAveragePool", x));
    OpCase row = Pool("GlobalLpPool", x, {{"p", int64_t{3}}});
    row.inputs = {Uniform(x, -2, 2, {0})};
    row.inputs[0].gap = 0.3;
    CheckOp(row);
  }
}

TEST(Pooling, EmptyBatch) { CheckOp(Pool("MaxPool", {0, 2, 5}, {{"kernel_shape", Ints{2}}})); }

}  // namespace
}  // namespace strop
