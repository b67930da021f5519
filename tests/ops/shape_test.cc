#include <gtest/gtest.h>

#include "tests/ops/op_case.h"

namespace strop {
namespace {

template <typename T>
std::vector<T> Elements(const Tensor& tensor) {
  const auto elements = tensor.elements<T>();
  return std::vector<T>(elements.begin(), elements.end());
}

TEST(Views, Reshape) {
  CheckOp({.op = "Reshape", .inputs = {Uniform({2, 3, 4}), ConstantIntegers({4, 6})}});
  CheckOp({.op = "Reshape", .inputs = {Uniform({2, 3, 4}), ConstantIntegers({0, -1})}});
  CheckOp({.op = "Reshape", .inputs = {Uniform({2, 3, 4}), ConstantIntegers({-1})}});
  CheckOp({.op = "Reshape", .inputs = {Uniform({1, 1}), ConstantIntegers({})}});
  CheckOp({.op = "Reshape",
           .inputs = {Uniform({0, 3}), ConstantIntegers({5, 0})},
           .attributes = {{"allowzero", int64_t{1}}}});
  CheckOp({.op = "Reshape",
           .inputs = {Uniform({2, 3}), ConstantIntegers({3, 2})},
           .attributes = {{"allowzero", int64_t{1}}}});
}

TEST(Views, Flatten) {
  CheckOp({.op = "Flatten", .inputs = {Uniform({2, 3, 4})}});
  for (const int64_t axis : {-3, -1, 0, 2, 3}) {
    CheckOp({.op = "Flatten", .inputs = {Uniform({2, 3, 4})}, .attributes = {{"axis", axis}}});
  }
  CheckOp({.op = "Flatten", .inputs = {Uniform({})}, .attributes = {{"axis", int64_t{0}}}});
}

TEST(Views, SqueezeAndUnsqueeze) {
  CheckOp({.op = "Squeeze", .inputs = {Uniform({1, 3, 1, 4})}});
  CheckOp({.op = "Squeeze", .inputs = {Uniform({1, 3, 1, 4}), ConstantIntegers({-2})}});
  CheckOp({.op = "Squeeze", .inputs = {Uniform({1, 3, 1, 4}), ConstantIntegers({0, 2})}});
  CheckOp({.op = "Unsqueeze", .inputs = {Uniform({3, 4}), ConstantIntegers({-1, 0})}});
  CheckOp({.op = "Unsqueeze", .inputs = {Uniform({}), ConstantIntegers({0})}});
}

TEST(Views, IdentityAndReshapeLike) {
  CheckOp({.op = "Identity", .inputs = {Uniform({3, 4})}});
  CheckOp({.op = "ReshapeLike",
           .inputs = {Uniform({3, 4}), Uniform({2, 6})},
           .domain = "strop",
           .gradients = {0}});
}

TEST(Shapes, ShapeAndSize) {
  const InputCase x = Uniform({2, 3, 4});
  EXPECT_EQ(Elements<int64_t>(RunInDouble({.op = "Shape", .inputs = {x}})[0]),
            (std::vector<int64_t>{2, 3, 4}));
  const Attributes middle = {{"start", int64_t{-2}}, {"end", int64_t{-1}}};
  EXPECT_EQ(Elements<int64_t>(RunInDouble({.op = "Shape", .inputs = {x}, .attributes = middle})[0]),
            (std::vector<int64_t>{3}));
  const Attributes beyond = {{"start", int64_t{1}}, {"end", int64_t{9}}};
  EXPECT_EQ(Elements<int64_t>(RunInDouble({.op = "Shape", .inputs = {x}, .attributes = beyond})[0]),
            (std::vector<int64_t>{3, 4}));
  EXPECT_EQ(Elements<int64_t>(RunInDouble({.op = "Size", .inputs = {x}})[0]),
            (std::vector<int64_t>{24}));
}

TEST(Shapes, EyeLike) {
  const OpCase row = {.op = "EyeLike",
                      .inputs = {Uniform({2, 3})},
                      .attributes = {{"k", int64_t{1}}},
                      .check_gradient = false};
  EXPECT_EQ(Elements<double>(RunInDouble(row)[0]), (std::vector<double>{0, 1, 0, 0, 0, 1}));
  CheckOp(row);
  CheckOp({.op = "EyeLike",
           .inputs = {Uniform({4, 3})},
           .attributes = {{"k", int64_t{-2}}, {"dtype", int64_t{6}}},
           .check_gradient = false});
}

TEST(Shapes, ConstantOfShape) {
  const OpCase row = {.op = "ConstantOfShape",
                      .inputs = {ConstantIntegers({2, 2})},
                      .attributes = {{"value", Tensor::FromVector<int64_t>({1}, {7})}},
                      .check_gradient = false};
  EXPECT_EQ(Elements<int64_t>(RunInDouble(row)[0]), (std::vector<int64_t>{7, 7, 7, 7}));
  CheckOp({.op = "ConstantOfShape", .inputs = {ConstantIntegers({0, 3})}, .check_gradient = false});
}

TEST(Shapes, Range) {
  const auto range = [](double start, double limit, double delta) {
    return RunInDouble(
        {.op = "Range",
         .inputs = {ConstantTensor(Tensor::Scalar(start)), ConstantTensor(Tensor::Scalar(limit)),
                    ConstantTensor(Tensor::Scalar(delta))},
         .check_gradient = false})[0];
  };
  EXPECT_EQ(Elements<double>(range(1, 2, 0.25)), (std::vector<double>{1, 1.25, 1.5, 1.75}));
  EXPECT_EQ(Elements<double>(range(10, 4, -2.5)), (std::vector<double>{10, 7.5, 5}));
  EXPECT_EQ(range(3, 1, 1).element_count(), 0);
}

}  // namespace
}  // namespace strop
