#pragma once

#include <string>
#include <vector>

#include "graph/graph.h"

namespace strop {

// How a test tensor is filled. The numbers are the same at every run.
enum class Fill {
  kUniform,   // evenly between low and high, at least `gap` away from every `avoid`
  kDistinct,  // evenly spaced between low and high, in random order: no ties
  kIntegers,  // whole numbers from low to high, both included
  kFixed,     // `tensor`
};

// One input of the op under test. A default-constructed one is absent.
struct InputCase {
  DataType type = DataType::kUndefined;
  Shape shape;
  Fill fill = Fill::kUniform;
  double low = -2;
  double high = 2;
  std::vector<double> avoid;  // kinks
  double gap = 0.05;
  Tensor tensor;
  bool is_constant = false;  // known when the plan is made: shapes, axes
};

InputCase Uniform(Shape shape, double low = -2, double high = 2, std::vector<double> avoid = {});
InputCase Distinct(Shape shape, double low = -2, double high = 2);
// int64 data, fed at every step.
InputCase Integers(Shape shape, int64_t low, int64_t high);
// Fed at every step.
InputCase Fixed(Tensor tensor);
// Known to the plan.
InputCase ConstantIntegers(std::vector<int64_t> elements);
InputCase ConstantTensor(Tensor tensor);
InputCase Absent();

// One row of an op's test.
struct OpCase {
  std::string op;
  std::vector<InputCase> inputs;
  Attributes attributes;
  size_t output_count = 1;
  std::string domain = "";
  // Inputs whose gradient is checked; empty: all floating inputs that the definition calls
  // differentiable.
  std::vector<size_t> gradients;
  bool check_gradient = true;
  // Outputs that get a cotangent; empty: all floating ones.
  std::vector<size_t> cotangents;
  // Of the fast float kernels against the generic ones, relative to the largest element.
  double float_tolerance = 2e-5;
};

// Checks, each failure naming the row:
//   the type rule agrees with what runs, in float and in double;
//   the gradient rule, in double: for every differentiable input the directional derivative along a
//   random direction equals the central difference of fourth order, to 1e-7 relative;
//   forward and gradient in float: the chosen kernels agree with the generic ones.
void CheckOp(const OpCase& row);

// The element-by-element outputs of the op in double, for comparison with known numbers.
std::vector<Tensor> RunInDouble(const OpCase& row);

}  // namespace strop
