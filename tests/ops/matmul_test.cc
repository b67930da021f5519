#include <gtest/gtest.h>

#include "tests/ops/op_case.h"

namespace strop {
namespace {

OpCase MatMul(Shape a, Shape b) {
  return {.op = "MatMul", .inputs = {Uniform(std::move(a)), Uniform(std::move(b))}};
}

TEST(MatMul, Matrices) {
  CheckOp(MatMul({3, 4}, {4, 5}));
  CheckOp(MatMul({1, 4}, {4, 1}));
  CheckOp(MatMul({73, 200}, {200, 67}));
}

TEST(MatMul, Vectors) {
  CheckOp(MatMul({4}, {4}));
  CheckOp(MatMul({4}, {4, 5}));
  CheckOp(MatMul({3, 4}, {4}));
  CheckOp(MatMul({4}, {2, 3, 4, 5}));
  CheckOp(MatMul({2, 3, 4, 5}, {5}));
}

TEST(MatMul, Batches) {
  CheckOp(MatMul({6, 3, 4}, {6, 4, 5}));
  CheckOp(MatMul({2, 3, 17, 8}, {2, 3, 8, 17}));
}

TEST(MatMul, BatchTimesMatrix) {
  CheckOp(MatMul({2, 3, 7, 30}, {30, 19}));
  CheckOp(MatMul({7, 30}, {2, 30, 19}));
}

TEST(MatMul, BroadcastBatches) {
  CheckOp(MatMul({2, 1, 3, 4}, {5, 4, 6}));
  CheckOp(MatMul({3, 1, 2, 3, 4}, {1, 5, 1, 4, 6}));
  CheckOp(MatMul({1, 3, 4}, {6, 4, 5}));
}

TEST(MatMul, NoElements) {
  CheckOp(MatMul({0, 4}, {4, 5}));
  CheckOp(MatMul({3, 0}, {0, 5}));
  CheckOp(MatMul({0, 3, 4}, {0, 4, 5}));
}

OpCase Gemm(Shape a, Shape b, InputCase c, int64_t transpose_a, int64_t transpose_b) {
  return {.op = "Gemm",
          .inputs = {Uniform(std::move(a)), Uniform(std::move(b)), std::move(c)},
          .attributes = {
              {"alpha", 0.5}, {"beta", 2.0}, {"transA", transpose_a}, {"transB", transpose_b}}};
}

TEST(Gemm, Transposes) {
  CheckOp(Gemm({3, 4}, {4, 5}, Uniform({3, 5}), 0, 0));
  CheckOp(Gemm({4, 3}, {4, 5}, Uniform({3, 5}), 1, 0));
  CheckOp(Gemm({3, 4}, {5, 4}, Uniform({3, 5}), 0, 1));
  CheckOp(Gemm({4, 3}, {5, 4}, Uniform({3, 5}), 1, 1));
  CheckOp(Gemm({70, 130}, {90, 130}, Uniform({90}), 0, 1));
}

TEST(Gemm, BroadcastBias) {
  CheckOp(Gemm({3, 4}, {4, 5}, Uniform({5}), 0, 0));
  CheckOp(Gemm({3, 4}, {4, 5}, Uniform({1, 5}), 0, 0));
  CheckOp(Gemm({3, 4}, {4, 5}, Uniform({3, 1}), 0, 0));
  CheckOp(Gemm({3, 4}, {4, 5}, Uniform({1}), 0, 0));
  CheckOp(Gemm({3, 4}, {4, 5}, Uniform({}), 0, 0));
}

TEST(Gemm, PlainAndWithoutBias) {
  CheckOp({.op = "Gemm", .inputs = {Uniform({3, 4}), Uniform({4, 5}), Uniform({5})}});
  CheckOp({.op = "Gemm", .inputs = {Uniform({3, 4}), Uniform({4, 5})}});
  CheckOp({.op = "Gemm",
           .inputs = {Uniform({3, 4}), Uniform({4, 5}), Uniform({5})},
           .attributes = {{"beta", 0.0}}});
}

TEST(Gemm, NoElements) {
  CheckOp({.op = "Gemm", .inputs = {Uniform({3, 0}), Uniform({0, 5}), Uniform({5})}});
  CheckOp({.op = "Gemm", .inputs = {Uniform({0, 4}), Uniform({4, 5})}});
}

// MatMul of int64 counts exactly.
TEST(MatMul, Integers) {
  CheckOp({.op = "MatMul",
           .inputs = {Integers({3, 4}, -5, 5), Integers({4, 2}, -5, 5)},
           .check_gradient = false});
}

TEST(MatMulTransposed, Shapes) {
  const auto check = [](Shape a, Shape b) {
    CheckOp({.op = "MatMulTransposed",
             .inputs = {Uniform(std::move(a)), Uniform(std::move(b))},
             .domain = "strop"});
  };
  check({4, 3}, {5, 3});
  check({2, 3, 7}, {6, 7});
  check({2, 1, 3, 7}, {1, 7});
  check({7}, {6, 7});
  check({0, 7}, {6, 7});
}

}  // namespace
}  // namespace strop
