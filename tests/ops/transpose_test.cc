#include <gtest/gtest.h>

#include "tests/ops/op_case.h"

namespace strop {
namespace {

OpCase Permuted(Shape shape, std::vector<int64_t> permutation) {
  return {.op = "Transpose", .inputs = {Uniform(shape)}, .attributes = {{"perm", permutation}}};
}

// Element by element, against the definition of the operator.
void CheckElements(const Shape& shape, const std::vector<int64_t>& permutation) {
  Tensor x(DataType::kDouble, shape);
  for (int64_t i = 0; i < x.element_count(); ++i) {
    x.mutable_elements<double>()[static_cast<size_t>(i)] = static_cast<double>(i);
  }
  OpCase row = Permuted(shape, permutation);
  row.inputs = {Fixed(x)};
  const Tensor y = RunInDouble(row)[0];
  const Shape from = DenseStrides(shape);
  const Shape to = DenseStrides(y.shape());
  for (int64_t i = 0; i < y.element_count(); ++i) {
    int64_t source = 0;
    for (size_t axis = 0; axis < to.size(); ++axis) {
      source += i / to[axis] % y.shape()[axis] * from[static_cast<size_t>(permutation[axis])];
    }
    ASSERT_EQ(y.elements<double>()[static_cast<size_t>(i)], static_cast<double>(source))
        << ShapeName(shape) << " element " << i;
  }
}

TEST(Transpose, GradientsOfAllKinds) {
  CheckOp({.op = "Transpose", .inputs = {Uniform({2, 3, 4})}});
  CheckOp({.op = "Transpose", .inputs = {Uniform({})}});
  CheckOp(Permuted({2, 3, 4, 5}, {0, 2, 1, 3}));
  CheckOp(Permuted({2, 3, 4, 5}, {0, 2, 3, 1}));
  CheckOp(Permuted({2, 3, 4, 5}, {0, 3, 1, 2}));
  CheckOp(Permuted({2, 3, 4}, {0, 2, 1}));
  CheckOp(Permuted({2, 3, 4, 2, 3}, {3, 0, 4, 2, 1}));
  CheckOp(Permuted({2, 0, 3}, {2, 1, 0}));
  CheckOp(Permuted({1, 3, 1, 4}, {3, 2, 1, 0}));
}

TEST(Transpose, Elements) {
  CheckElements({70, 130}, {1, 0});
  CheckElements({3, 70, 33}, {0, 2, 1});
  CheckElements({2, 37, 3, 64}, {0, 2, 1, 3});
  CheckElements({2, 35, 9, 11}, {0, 2, 3, 1});
  CheckElements({2, 9, 11, 35}, {0, 3, 1, 2});
  CheckElements({3, 4, 5, 2, 3}, {4, 2, 0, 3, 1});
}

TEST(Transpose, DepthToSpaceAndBack) {
  for (const std::string mode : {"DCR", "CRD"}) {
    CheckOp({.op = "DepthToSpace",
             .inputs = {Uniform({2, 8, 2, 3})},
             .attributes = {{"blocksize", int64_t{2}}, {"mode", mode}}});
    CheckOp({.op = "SpaceToDepth",
             .inputs = {Uniform({2, 2, 6, 3})},
             .attributes = {{"blocksize", int64_t{3}}, {"mode", mode}}});
  }
}

}  // namespace
}  // namespace strop
