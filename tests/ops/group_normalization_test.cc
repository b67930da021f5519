#include <gtest/gtest.h>

#include "tests/ops/op_case.h"

namespace strop {
namespace {

OpCase Normalization(const std::string& op, Shape x, Attributes attributes = {}) {
  const int64_t channels = x[1];
  OpCase row;
  row.op = op;
  row.inputs = {Uniform(std::move(x), -1, 3), Uniform({channels}), Uniform({channels})};
  row.attributes = std::move(attributes);
  return row;
}

TEST(GroupNormalization, Groups) {
  for (const int64_t groups : {1, 2, 3, 6}) {
    CheckOp(Normalization("GroupNormalization", {2, 6, 3, 2}, {{"num_groups", groups}}));
  }
  CheckOp(
      Normalization("GroupNormalization", {3, 4}, {{"num_groups", int64_t{2}}, {"epsilon", 0.1}}));
  CheckOp(Normalization("GroupNormalization", {0, 4, 3}, {{"num_groups", int64_t{2}}}));
}

TEST(GroupNormalization, Instances) {
  CheckOp(Normalization("InstanceNormalization", {2, 3, 7}));
  CheckOp(Normalization("InstanceNormalization", {2, 3, 4, 5}, {{"epsilon", 0.05}}));
}

TEST(GroupNormalization, SomeGradientsAlone) {
  for (const size_t input : {0, 1, 2}) {
    OpCase row = Normalization("GroupNormalization", {2, 4, 3}, {{"num_groups", int64_t{2}}});
    row.gradients = {input};
    CheckOp(row);
  }
}

TEST(LocalResponseNormalization, Windows) {
  for (const int64_t size : {1, 2, 3, 5, 9}) {
    OpCase row;
    row.op = "LRN";
    row.inputs = {Uniform({2, 6, 3, 2})};
    row.attributes = {{"size", size}, {"alpha", 0.7}, {"beta", 0.6}, {"bias", 1.5}};
    CheckOp(row);
  }
  OpCase row;
  row.op = "LRN";
  row.inputs = {Uniform({2, 3, 5})};
  row.attributes = {{"size", int64_t{3}}};
  CheckOp(row);
}

}  // namespace
}  // namespace strop
