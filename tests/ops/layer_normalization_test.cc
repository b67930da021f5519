#include <gtest/gtest.h>

#include "tests/ops/op_case.h"

namespace strop {
namespace {

TEST(LayerNormalization, LastAxis) {
  CheckOp({.op = "LayerNormalization", .inputs = {Uniform({5, 7}), Uniform({7}), Uniform({7})}});
  CheckOp({.op = "LayerNormalization", .inputs = {Uniform({3, 4, 150}), Uniform({150})}});
  CheckOp({.op = "LayerNormalization",
           .inputs = {Uniform({64, 203}), Uniform({203}), Uniform({203})},
           .attributes = {{"epsilon", 0.1}}});
}

TEST(LayerNormalization, SeveralAxes) {
  CheckOp({.op = "LayerNormalization",
           .inputs = {Uniform({2, 3, 4, 5}), Uniform({3, 4, 5}), Uniform({3, 4, 5})},
           .attributes = {{"axis", int64_t{1}}}});
  CheckOp({.op = "LayerNormalization",
           .inputs = {Uniform({3, 4}), Uniform({3, 4}), Uniform({3, 4})},
           .attributes = {{"axis", int64_t{-2}}}});
}

TEST(LayerNormalization, BroadcastScaleAndBias) {
  CheckOp({.op = "LayerNormalization",
           .inputs = {Uniform({2, 3, 4}), Uniform({1}), Uniform({1, 3, 1})},
           .attributes = {{"axis", int64_t{1}}}});
}

TEST(LayerNormalization, Statistics) {
  const OpCase row = {.op = "LayerNormalization",
                      .inputs = {Uniform({5, 7}), Uniform({7}), Uniform({7})},
                      .output_count = 3};
  CheckOp(row);
  for (const std::vector<size_t>& cotangents :
       std::vector<std::vector<size_t>>{{0}, {1}, {2}, {1, 2}}) {
    OpCase partial = row;
    partial.cotangents = cotangents;
    CheckOp(partial);
  }
}

TEST(LayerNormalization, NoRows) {
  CheckOp({.op = "LayerNormalization", .inputs = {Uniform({0, 7}), Uniform({7}), Uniform({7})}});
}

TEST(RmsNormalization, Axes) {
  CheckOp({.op = "RMSNormalization", .inputs = {Uniform({5, 67}), Uniform({67})}});
  CheckOp({.op = "RMSNormalization",
           .inputs = {Uniform({2, 3, 4}), Uniform({3, 4})},
           .attributes = {{"axis", int64_t{1}}, {"epsilon", 0.01}}});
  CheckOp({.op = "RMSNormalization",
           .inputs = {Uniform({2, 3, 4}), Uniform({4})},
           .attributes = {{"axis", int64_t{-2}}}});
}

}  // namespace
}  // namespace strop
