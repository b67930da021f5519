#include <gtest/gtest.h>

#include "tests/ops/op_case.h"

namespace strop {
namespace {

TEST(Activation, Relu) {
  CheckOp({.op = "Relu", .inputs = {Uniform({3, 5}, -2, 2, {0})}});
  CheckOp({.op = "Relu", .inputs = {Uniform({}, 0.5, 2)}});
}

TEST(Activation, LeakyRelu) {
  CheckOp({.op = "LeakyRelu", .inputs = {Uniform({4, 3, 7}, -2, 2, {0})}});
  CheckOp(
      {.op = "LeakyRelu", .inputs = {Uniform({17}, -2, 2, {0})}, .attributes = {{"alpha", 0.25}}});
}

}  // namespace
}  // namespace strop
