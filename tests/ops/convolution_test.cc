#include <gtest/gtest.h>

#include "tests/ops/op_case.h"

namespace strop {
namespace {

using Ints = std::vector<int64_t>;

OpCase Conv(Shape x, Shape w, Attributes attributes = {}, bool has_bias = true) {
  OpCase row;
  row.op = "Conv";
  const int64_t channels = w[0];
  row.inputs = {Uniform(std::move(x)), Uniform(std::move(w), -1, 1)};
  if (has_bias) row.inputs.push_back(Uniform({channels}));
  row.attributes = std::move(attributes);
  return row;
}

TEST(Convolution, OneTwoAndThreeAxes) {
  CheckOp(Conv({2, 3, 9}, {4, 3, 3}));
  CheckOp(Conv({2, 3, 7, 9}, {4, 3, 3, 2}));
  CheckOp(Conv({1, 2, 5, 6, 4}, {3, 2, 2, 3, 1}));
  CheckOp(Conv({1, 2, 3, 4, 3, 3}, {2, 2, 2, 2, 1, 2}));
}

TEST(Convolution, WithoutBias) {
  CheckOp(Conv({2, 3, 7, 9}, {4, 3, 3, 2}, {}, false));
  CheckOp(Conv({1, 16, 8, 8}, {32, 16, 1, 1}, {}, false));
}

TEST(Convolution, StridesDilationsAndPads) {
  CheckOp(Conv({2, 3, 11, 9}, {4, 3, 3, 3}, {{"strides", Ints{2, 3}}}));
  CheckOp(Conv({2, 3, 11, 9}, {4, 3, 3, 3}, {{"dilations", Ints{2, 3}}}));
  CheckOp(Conv({2, 3, 6, 5}, {4, 3, 3, 3}, {{"pads", Ints{1, 0, 2, 1}}}));
  CheckOp(Conv({2, 3, 12, 10}, {4, 3, 3, 5},
               {{"pads", Ints{2, 1, 0, 3}},
                {"strides", Ints{2, 3}},
                {"dilations", Ints{2, 1}},
                {"kernel_shape", Ints{3, 5}}}));
  // The last input row is never read.
  CheckOp(Conv({1, 2, 8, 8}, {2, 2, 3, 3}, {{"strides", Ints{2, 2}}}));
}

TEST(Convolution, AutoPad) {
  for (const std::string mode : {"SAME_UPPER", "SAME_LOWER", "VALID", "NOTSET"}) {
    CheckOp(Conv({1, 2, 7, 10}, {3, 2, 4, 3}, {{"auto_pad", mode}, {"strides", Ints{2, 3}}}));
    CheckOp(Conv({1, 2, 7}, {3, 2, 2}, {{"auto_pad", mode}, {"dilations", Ints{3}}}));
  }
}

TEST(Convolution, Groups) {
  CheckOp(Conv({2, 6, 7, 7}, {4, 3, 3, 3}, {{"group", int64_t{2}}}));
  CheckOp(Conv({2, 6, 9}, {12, 1, 3}, {{"group", int64_t{6}}}));
  CheckOp(Conv({2, 32, 9, 8}, {32, 1, 3, 3},
               {{"group", int64_t{32}}, {"pads", Ints{1, 1, 1, 1}}, {"strides", Ints{2, 2}}}));
  CheckOp(Conv({2, 24, 9, 8}, {24, 1, 5, 5}, {{"group", int64_t{24}}, {"pads", Ints{2, 2, 2, 2}}}));
  CheckOp(Conv({1, 32, 5, 5}, {64, 16, 3, 3}, {{"group", int64_t{2}}}));
}

TEST(Convolution, ChannelsThatFillBlocksAndThatDoNot) {
  CheckOp(Conv({2, 16, 9, 7}, {32, 16, 3, 3}, {{"pads", Ints{1, 1, 1, 1}}}));
  CheckOp(
      Conv({2, 3, 15, 15}, {16, 3, 7, 7}, {{"pads", Ints{3, 3, 3, 3}}, {"strides", Ints{2, 2}}}));
  CheckOp(Conv({2, 24, 9, 7}, {40, 24, 1, 1}));
  CheckOp(Conv({1, 16, 6, 5, 4}, {16, 16, 3, 3, 3}, {{"pads", Ints{1, 1, 1, 1, 1, 1}}}));
}

TEST(Convolution, EmptyBatch) {
  OpCase row = Conv({0, 3, 5, 5}, {4, 3, 3, 3});
  CheckOp(row);
}

TEST(Convolution, OnlyTheBiasIsTrained) {
  OpCase row = Conv({2, 3, 7, 9}, {4, 3, 3, 2});
  row.gradients = {2};
  CheckOp(row);
  row = Conv({2, 16, 7, 9}, {32, 16, 3, 2});
  row.gradients = {2};
  CheckOp(row);
}

}  // namespace
}  // namespace strop
