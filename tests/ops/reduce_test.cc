#include <gtest/gtest.h>

#include "tests/ops/op_case.h"

namespace strop {
namespace {

// Every pattern of kept and reduced axes, with and without keepdims.
void CheckReduction(const std::string& op, double low, double high, bool has_ties = true) {
  const std::vector<std::pair<Shape, std::vector<int64_t>>> patterns = {
      {{3, 5}, {1}},          {{3, 5}, {0}},       {{3, 5}, {-1, 0}},    {{2, 3, 4}, {1}},
      {{2, 3, 4, 3}, {0, 2}}, {{2, 3, 4}, {0, 2}}, {{1, 3, 1}, {0, 1}},  {{2, 2, 1, 3}, {2}},
      {{3, 300}, {0}},        {{4, 1}, {0}},       {{2, 3, 2, 2}, {-2}},
  };
  for (const auto& [shape, axes] : patterns) {
    for (const int64_t keepdims : {0, 1}) {
      CheckOp({.op = op,
               .inputs = {has_ties ? Uniform(shape, low, high, {0}) : Distinct(shape, low, high),
                          ConstantIntegers(axes)},
               .attributes = {{"keepdims", keepdims}}});
    }
  }
  const auto x = [&](Shape shape) {
    return has_ties ? Uniform(shape, low, high, {0}) : Distinct(shape, low, high);
  };
  CheckOp({.op = op, .inputs = {x({2, 3})}});
  CheckOp({.op = op, .inputs = {x({2, 3})}, .attributes = {{"keepdims", int64_t{0}}}});
  CheckOp({.op = op, .inputs = {x({2, 3}), ConstantIntegers({})}});
  CheckOp({.op = op,
           .inputs = {x({2, 3}), ConstantIntegers({})},
           .attributes = {{"noop_with_empty_axes", int64_t{1}}, {"keepdims", int64_t{0}}}});
  CheckOp({.op = op, .inputs = {x({2, 3})}, .attributes = {{"noop_with_empty_axes", int64_t{1}}}});
  CheckOp({.op = op, .inputs = {x({})}});
}

TEST(Reduce, Sum) { CheckReduction("ReduceSum", -2, 2); }
TEST(Reduce, Mean) { CheckReduction("ReduceMean", -2, 2); }
TEST(Reduce, Max) { CheckReduction("ReduceMax", -2, 2, false); }
TEST(Reduce, Min) { CheckReduction("ReduceMin", -2, 2, false); }
TEST(Reduce, Prod) { CheckReduction("ReduceProd", 0.6, 1.4); }
TEST(Reduce, L1) { CheckReduction("ReduceL1", -2, 2); }
TEST(Reduce, L2) { CheckReduction("ReduceL2", -2, 2); }
TEST(Reduce, SumSquare) { CheckReduction("ReduceSumSquare", -2, 2); }
TEST(Reduce, LogSum) { CheckReduction("ReduceLogSum", 0.5, 2); }
TEST(Reduce, LogSumExp) { CheckReduction("ReduceLogSumExp", -3, 3); }

TEST(Reduce, ProdWithZeros) {
  const Tensor x = Tensor::FromVector<double>({3, 3}, {0, 2, 3, 0, 0, 4, 5, 6, 7});
  CheckOp({.op = "ReduceProd", .inputs = {Fixed(x), ConstantIntegers({1})}});
  CheckOp({.op = "ReduceProd", .inputs = {Fixed(x), ConstantIntegers({0})}});
}

// Groups that several work items share, and columns that fill more than one tile.
TEST(Reduce, LargeGroups) {
  CheckOp({.op = "ReduceSum", .inputs = {Uniform({300, 200})}});
  CheckOp({.op = "ReduceMean", .inputs = {Uniform({2000, 10}), ConstantIntegers({0})}});
  CheckOp({.op = "ReduceSum", .inputs = {Uniform({20, 3, 400}), ConstantIntegers({0, 2})}});
  CheckOp({.op = "ReduceMax", .inputs = {Distinct({90, 150}, -90, 90)}});
  CheckOp({.op = "ReduceLogSumExp", .inputs = {Uniform({3000, 4}), ConstantIntegers({0})}});
}

TEST(Reduce, EmptyGroups) {
  CheckOp({.op = "ReduceSum", .inputs = {Uniform({3, 0}), ConstantIntegers({1})}});
  CheckOp({.op = "ReduceSum", .inputs = {Uniform({0, 3}), ConstantIntegers({1})}});
}

TEST(Broadcast, SumToLike) {
  const auto row = [](Shape from, Shape to) {
    return OpCase{.op = "SumToLike",
                  .inputs = {Uniform(from), Uniform(to)},
                  .domain = "strop",
                  .gradients = {0}};
  };
  CheckOp(row({2, 3, 4}, {4}));
  CheckOp(row({2, 3, 4}, {3, 1}));
  CheckOp(row({2, 3, 4}, {2, 1, 4}));
  CheckOp(row({2, 3, 4}, {}));
  CheckOp(row({2, 3}, {2, 3}));
  CheckOp(row({5, 1, 2, 3}, {1, 2, 1}));
}

TEST(Broadcast, BroadcastLike) {
  CheckOp({.op = "BroadcastLike",
           .inputs = {Uniform({3, 1}), Uniform({2, 3, 4})},
           .domain = "strop",
           .gradients = {0}});
  for (const int64_t mean : {0, 1}) {
    CheckOp({.op = "BroadcastLike",
             .inputs = {Uniform({3}), Uniform({2, 3, 4}), ConstantIntegers({0, -1})},
             .attributes = {{"keepdims", int64_t{0}}, {"mean", mean}},
             .domain = "strop",
             .gradients = {0}});
    CheckOp({.op = "BroadcastLike",
             .inputs = {Uniform({2, 4}), Uniform({2, 3, 4})},
             .attributes = {{"keepdims", int64_t{0}},
                            {"mean", mean},
                            {"axes", std::vector<int64_t>{1}}},
             .domain = "strop",
             .gradients = {0}});
    CheckOp({.op = "BroadcastLike",
             .inputs = {Uniform({1, 3, 1}), Uniform({2, 3, 4}), ConstantIntegers({0, 2})},
             .attributes = {{"mean", mean}},
             .domain = "strop",
             .gradients = {0}});
  }
}

TEST(Broadcast, Expand) {
  CheckOp({.op = "Expand", .inputs = {Uniform({3, 1}), ConstantIntegers({2, 3, 4})}});
  CheckOp({.op = "Expand", .inputs = {Uniform({3, 4}), ConstantIntegers({1})}});
  CheckOp({.op = "Expand", .inputs = {Uniform({}), ConstantIntegers({2, 2})}});
  CheckOp({.op = "Expand", .inputs = {Uniform({1}), ConstantIntegers({0})}});
}

}  // namespace
}  // namespace strop
