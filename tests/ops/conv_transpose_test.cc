#include <gtest/gtest.h>

#include "tests/ops/op_case.h"

namespace strop {
namespace {

using Ints = std::vector<int64_t>;

OpCase ConvTranspose(Shape x, Shape w, Attributes attributes = {}, bool has_bias = true) {
  OpCase row;
  row.op = "ConvTranspose";
  const int64_t channels = w[1] * attributes.Int("group", 1);
  row.inputs = {Uniform(std::move(x)), Uniform(std::move(w), -1, 1)};
  if (has_bias) row.inputs.push_back(Uniform({channels}));
  row.attributes = std::move(attributes);
  return row;
}

TEST(ConvTranspose, OneTwoAndThreeAxes) {
  CheckOp(ConvTranspose({2, 3, 5}, {3, 4, 3}));
  CheckOp(ConvTranspose({2, 3, 4, 5}, {3, 4, 3, 2}));
  CheckOp(ConvTranspose({1, 2, 3, 4, 2}, {2, 3, 2, 3, 1}));
  CheckOp(ConvTranspose({2, 3, 4, 5}, {3, 4, 3, 2}, {}, false));
}

TEST(ConvTranspose, StridesDilationsPadsAndOutputPadding) {
  CheckOp(ConvTranspose({2, 3, 4, 5}, {3, 2, 3, 3}, {{"strides", Ints{2, 3}}}));
  CheckOp(ConvTranspose({2, 3, 4, 5}, {3, 2, 3, 3}, {{"dilations", Ints{2, 3}}}));
  CheckOp(ConvTranspose({2, 3, 4, 5}, {3, 2, 3, 3}, {{"pads", Ints{1, 0, 2, 1}}}));
  CheckOp(ConvTranspose(
      {2, 3, 4, 5}, {3, 2, 3, 3},
      {{"strides", Ints{2, 3}}, {"output_padding", Ints{1, 2}}, {"pads", Ints{1, 1, 1, 1}}}));
  CheckOp(ConvTranspose({1, 2, 4}, {2, 2, 2}, {{"strides", Ints{3}}, {"kernel_shape", Ints{2}}}));
}

TEST(ConvTranspose, OutputShapeAndAutoPad) {
  CheckOp(ConvTranspose({1, 2, 3, 4}, {2, 3, 3, 3},
                        {{"strides", Ints{3, 2}}, {"output_shape", Ints{10, 8}}}));
  for (const std::string mode : {"SAME_UPPER", "SAME_LOWER", "VALID"}) {
    CheckOp(
        ConvTranspose({1, 2, 4, 3}, {2, 3, 4, 3}, {{"auto_pad", mode}, {"strides", Ints{2, 2}}}));
    CheckOp(ConvTranspose({1, 2, 4}, {2, 3, 2}, {{"auto_pad", mode}, {"strides", Ints{3}}}));
  }
}

TEST(ConvTranspose, Groups) {
  CheckOp(ConvTranspose({2, 6, 4, 4}, {6, 2, 3, 3}, {{"group", int64_t{2}}}));
  CheckOp(ConvTranspose({2, 32, 4, 4}, {32, 1, 2, 2},
                        {{"group", int64_t{32}}, {"strides", Ints{2, 2}}}));
  CheckOp(ConvTranspose({1, 32, 4, 4}, {32, 16, 2, 2},
                        {{"group", int64_t{2}}, {"strides", Ints{2, 2}}}, false));
}

TEST(ConvTranspose, ChannelsThatFillBlocks) {
  CheckOp(ConvTranspose({2, 32, 5, 4}, {32, 16, 2, 2}, {{"strides", Ints{2, 2}}}));
  CheckOp(ConvTranspose({2, 32, 5, 4}, {32, 16, 2, 2}, {{"strides", Ints{2, 2}}}, false));
}

}  // namespace
}  // namespace strop
