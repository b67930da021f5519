#include <gtest/gtest.h>

#include <limits>

#include "tests/ops/op_case.h"

namespace strop {
namespace {

constexpr int64_t kLast = std::numeric_limits<int64_t>::max();
constexpr int64_t kFirst = std::numeric_limits<int64_t>::min();

OpCase Sliced(Shape shape, std::vector<int64_t> starts, std::vector<int64_t> ends,
              std::vector<int64_t> axes, std::vector<int64_t> steps) {
  return {.op = "Slice",
          .inputs = {Uniform(shape), ConstantIntegers(starts), ConstantIntegers(ends),
                     ConstantIntegers(axes), ConstantIntegers(steps)}};
}

TEST(Slice, StartsEndsAxesSteps) {
  CheckOp(Sliced({5, 6, 7}, {1, -3}, {4, kLast}, {0, 2}, {1, 1}));
  CheckOp(Sliced({5, 6, 7}, {1}, {kLast}, {-2}, {2}));
  CheckOp(Sliced({5, 6, 7}, {-1, 4}, {kFirst, 0}, {0, 1}, {-1, -3}));
  CheckOp(Sliced({5, 6}, {kFirst}, {kLast}, {1}, {kLast}));
  CheckOp(Sliced({5, 6}, {kLast}, {kFirst}, {1}, {kFirst}));
  CheckOp(Sliced({5, 6}, {3}, {3}, {1}, {1}));
  CheckOp(Sliced({5, 6}, {9, 0}, {20, 6}, {0, 1}, {1, 5}));
  CheckOp(Sliced({0, 6}, {0, 0}, {-1, 6}, {0, 1}, {-1, 1}));
}

TEST(Slice, WithoutAxesAndSteps) {
  CheckOp({.op = "Slice",
           .inputs = {Uniform({4, 5, 3}), ConstantIntegers({1, 0}), ConstantIntegers({3, -1})}});
  CheckOp({.op = "Slice",
           .inputs = {Uniform({4, 5}), ConstantIntegers({3, 4}), ConstantIntegers({0, -6}),
                      Absent(), ConstantIntegers({-2, -1})}});
}

TEST(Pad, Constant) {
  CheckOp({.op = "Pad", .inputs = {Uniform({2, 3}), ConstantIntegers({1, 0, 2, 3})}});
  CheckOp({.op = "Pad", .inputs = {Uniform({2, 3}), ConstantIntegers({1, 2, 0, 1}), Uniform({})}});
  CheckOp({.op = "Pad",
           .inputs = {Uniform({2, 3, 4, 5}), ConstantIntegers({1, 2, 0, 1}), Absent(),
                      ConstantIntegers({-1, 2})}});
  CheckOp(
      {.op = "Pad", .inputs = {Uniform({5, 6}), ConstantIntegers({-1, 2, 1, -3}), Uniform({})}});
  CheckOp({.op = "Pad", .inputs = {Uniform({}), ConstantIntegers({})}});
  CheckOp({.op = "Pad", .inputs = {Uniform({0, 2}), ConstantIntegers({1, 1, 1, 1}), Uniform({})}});
}

TEST(Pad, ReflectEdgeWrap) {
  for (const std::string mode : {"reflect", "edge", "wrap"}) {
    CheckOp({.op = "Pad",
             .inputs = {Uniform({2, 3, 4, 5}), ConstantIntegers({0, 0, 2, 1, 0, 0, 3, 4})},
             .attributes = {{"mode", mode}}});
    CheckOp({.op = "Pad",
             .inputs = {Uniform({3, 4}), ConstantIntegers({2, 1, 1, 3})},
             .attributes = {{"mode", mode}}});
    CheckOp({.op = "Pad",
             .inputs = {Uniform({3}), ConstantIntegers({7, 8})},
             .attributes = {{"mode", mode}}});
    CheckOp(
        {.op = "Pad",
         .inputs = {Uniform({6, 2}), ConstantIntegers({-1, 2}), Absent(), ConstantIntegers({0})},
         .attributes = {{"mode", mode}}});
    CheckOp({.op = "Pad",
             .inputs = {Uniform({1, 2}), ConstantIntegers({2, 0, 1, 0}), Uniform({})},
             .attributes = {{"mode", mode}},
             .gradients = {0}});
  }
}

TEST(Tile, RepeatsAndTheirGradient) {
  CheckOp({.op = "Tile", .inputs = {Uniform({2, 3}), ConstantIntegers({3, 2})}});
  CheckOp({.op = "Tile", .inputs = {Uniform({2, 3, 4}), ConstantIntegers({1, 2, 1})}});
  CheckOp({.op = "Tile", .inputs = {Uniform({2, 3}), ConstantIntegers({0, 2})}});
  CheckOp({.op = "Tile", .inputs = {Uniform({}), ConstantIntegers({})}});
}

TEST(Trilu, UpperAndLower) {
  for (const int64_t upper : {0, 1}) {
    CheckOp({.op = "Trilu", .inputs = {Uniform({4, 5})}, .attributes = {{"upper", upper}}});
    for (const int64_t k : {-9, -2, 0, 1, 7}) {
      CheckOp({.op = "Trilu",
               .inputs = {Uniform({2, 5, 3}), ConstantTensor(Tensor::Scalar<int64_t>(k))},
               .attributes = {{"upper", upper}}});
    }
  }
}

TEST(ReverseSequence, BothAxisOrders) {
  CheckOp({.op = "ReverseSequence",
           .inputs = {Uniform({4, 3, 2}), Fixed(Tensor::FromVector<int64_t>({3}, {2, 4, 1}))}});
  CheckOp({.op = "ReverseSequence",
           .inputs = {Uniform({3, 2, 4}), Fixed(Tensor::FromVector<int64_t>({3}, {0, 3, 4}))},
           .attributes = {{"batch_axis", int64_t{0}}, {"time_axis", int64_t{2}}}});
}

TEST(Cumulative, SumAndProduct) {
  for (const int64_t exclusive : {0, 1}) {
    for (const int64_t reverse : {0, 1}) {
      for (const int64_t axis : {0, 1, -1}) {
        const Attributes attributes = {{"exclusive", exclusive}, {"reverse", reverse}};
        const InputCase place = ConstantTensor(Tensor::Scalar<int64_t>(axis));
        CheckOp({.op = "CumSum", .inputs = {Uniform({3, 4, 5}), place}, .attributes = attributes});
        CheckOp({.op = "CumProd", .inputs = {Uniform({3, 4, 5}), place}, .attributes = attributes});
      }
    }
  }
  CheckOp({.op = "CumProd",
           .inputs = {Fixed(Tensor::FromVector<double>({5}, {2, 0, 3, 0, 4})),
                      ConstantTensor(Tensor::Scalar<int64_t>(0))}});
}

}  // namespace
}  // namespace strop
