#include <gtest/gtest.h>

#include "tests/ops/op_case.h"

namespace strop {
namespace {

// Rank 0, empty, shorter and longer than a vector, shared by several threads.
std::vector<Shape> Shapes() { return {{}, {0, 3}, {3, 5}, {2, 3, 17}, {5, 4099}}; }

void CheckShapes(const std::string& op, Attributes attributes = {}, std::vector<double> kinks = {},
                 double low = -4, double high = 4) {
  for (const Shape& shape : Shapes()) {
    InputCase input = Uniform(shape, low, high, kinks);
    input.gap = 0.01;
    CheckOp({.op = op, .inputs = {input}, .attributes = attributes});
  }
}

TEST(Activation, Relu) { CheckShapes("Relu", {}, {0}); }

TEST(Activation, LeakyRelu) {
  CheckShapes("LeakyRelu", {}, {0});
  CheckShapes("LeakyRelu", {{"alpha", 0.25}}, {0});
  CheckShapes("LeakyRelu", {{"alpha", -0.5}}, {0});
}

TEST(Activation, PRelu) {
  const Shape slopes[] = {{}, {1}, {5}, {3, 1, 1}, {3, 4, 5}, {2, 3, 4, 5}, {2, 1, 1, 1}};
  for (const Shape& slope : slopes) {
    CheckOp({.op = "PRelu", .inputs = {Uniform({2, 3, 4, 5}, -2, 2, {0}), Uniform(slope)}});
  }
}

TEST(Activation, Elu) {
  CheckShapes("Elu", {}, {0});
  CheckShapes("Elu", {{"alpha", 1.5}}, {0});
}

TEST(Activation, Selu) {
  CheckShapes("Selu", {}, {0});
  CheckShapes("Selu", {{"alpha", 2.0}, {"gamma", 3.0}}, {0});
}

TEST(Activation, Celu) {
  CheckShapes("Celu", {}, {0});
  CheckShapes("Celu", {{"alpha", 2.0}}, {0});
}

TEST(Activation, ThresholdedRelu) {
  CheckShapes("ThresholdedRelu", {}, {1});
  CheckShapes("ThresholdedRelu", {{"alpha", -0.5}}, {-0.5});
}

TEST(Activation, HardSigmoid) {
  CheckShapes("HardSigmoid", {}, {-2.5, 2.5});
  CheckShapes("HardSigmoid", {{"alpha", 0.5}, {"beta", 0.25}}, {-0.5, 1.5});
}

TEST(Activation, HardSwish) { CheckShapes("HardSwish", {}, {-3, 3}); }

TEST(Activation, Shrink) {
  CheckShapes("Shrink", {}, {-0.5, 0.5});
  CheckShapes("Shrink", {{"lambd", 1.5}, {"bias", 1.5}}, {-1.5, 1.5});
}

TEST(Activation, Sigmoid) { CheckShapes("Sigmoid"); }
TEST(Activation, Tanh) { CheckShapes("Tanh"); }
TEST(Activation, Softplus) { CheckShapes("Softplus"); }
TEST(Activation, Softsign) { CheckShapes("Softsign", {}, {0}); }
TEST(Activation, Mish) { CheckShapes("Mish"); }

TEST(Activation, Swish) {
  CheckShapes("Swish");
  CheckShapes("Swish", {{"alpha", 1.702}});
  CheckShapes("Swish", {{"alpha", -0.5}});
}

TEST(Activation, Gelu) {
  CheckShapes("Gelu");
  CheckShapes("Gelu", {{"approximate", std::string("tanh")}});
}

// Where exponentials overflow and vanish. Finite differences say nothing there; the fast kernels
// must agree with the generic ones.
TEST(Activation, FarFromZero) {
  for (const char* op : {"Sigmoid", "Tanh", "Softplus", "Mish", "Swish", "Gelu", "Exp", "Erf"}) {
    const std::vector<float> far = {-1000, -104, -89,   -88, -20, -5.5f,  -1e-6f, 0,
                                    1e-6f, 5.5f, 20.5f, 60,  88,  -1e30f, 1e-30f, -0.0f};
    CheckOp({.op = op,
             .inputs = {Fixed(Tensor::FromVector<float>({16}, far))},
             .check_gradient = false,
             .float_tolerance = 1e-6});
  }
}

}  // namespace
}  // namespace strop
