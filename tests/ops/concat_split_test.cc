#include <gtest/gtest.h>

#include "tests/ops/op_case.h"

namespace strop {
namespace {

TEST(ConcatSplit, Concat) {
  for (const int64_t axis : {0, 1, -1}) {
    Shape other = {2, 3, 4};
    other[static_cast<size_t>(axis < 0 ? axis + 3 : axis)] = 5;
    CheckOp({.op = "Concat",
             .inputs = {Uniform({2, 3, 4}), Uniform(other), Uniform({2, 3, 4})},
             .attributes = {{"axis", axis}}});
  }
  CheckOp({.op = "Concat", .inputs = {Uniform({4})}, .attributes = {{"axis", int64_t{0}}}});
  CheckOp({.op = "Concat",
           .inputs = {Uniform({2, 0}), Uniform({2, 3})},
           .attributes = {{"axis", int64_t{1}}}});
}

TEST(ConcatSplit, ConcatWhereOnlyOneInputNeedsAGradient) {
  CheckOp({.op = "Concat",
           .inputs = {Uniform({2, 3}), Uniform({2, 2}), Uniform({2, 4})},
           .attributes = {{"axis", int64_t{1}}},
           .gradients = {1}});
}

TEST(ConcatSplit, Split) {
  for (const int64_t axis : {0, 1, -1}) {
    CheckOp({.op = "Split",
             .inputs = {Uniform({6, 6, 6}), ConstantIntegers({1, 3, 2})},
             .attributes = {{"axis", axis}},
             .output_count = 3});
  }
  CheckOp({.op = "Split",
           .inputs = {Uniform({7, 2})},
           .attributes = {{"num_outputs", int64_t{3}}},
           .output_count = 3});
  CheckOp({.op = "Split",
           .inputs = {Uniform({2, 8})},
           .attributes = {{"num_outputs", int64_t{2}}, {"axis", int64_t{1}}},
           .output_count = 2});
  CheckOp(
      {.op = "Split", .inputs = {Uniform({3, 2}), ConstantIntegers({0, 3})}, .output_count = 2});
}

TEST(ConcatSplit, SplitWhereNotAllOutputsReachTheLoss) {
  for (const size_t used : {0, 1, 2}) {
    CheckOp({.op = "Split",
             .inputs = {Uniform({2, 6}), ConstantIntegers({1, 3, 2})},
             .attributes = {{"axis", int64_t{1}}},
             .output_count = 3,
             .cotangents = {used}});
  }
  CheckOp({.op = "Split",
           .inputs = {Uniform({5, 3})},
           .attributes = {{"num_outputs", int64_t{3}}},
           .output_count = 3,
           .cotangents = {0, 2}});
}

}  // namespace
}  // namespace strop
