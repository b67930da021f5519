#pragma once

#include <cstdint>

namespace strop::simd {

// Elementwise float functions on ranges, in the widest vectors that the processor has. The result
// of an element depends on that element alone, never on where a range begins; the result's range
// may be an operand's own. NaN gives NaN.

// y[i] = f(x[i])
using Unary = void (*)(const float* x, float* y, int64_t count, const float* parameters);
// y[i] = f(a[i], b[i]); a gradient function takes dy and x, or dy and y.
using Binary = void (*)(const float* a, const float* b, float* y, int64_t count,
                        const float* parameters);

// A function of two operands, also with a single number in place of one.
struct Broadcasting {
  Binary ranges;
  Binary number_first;   // a[0] in every element
  Binary number_second;  // b[0] in every element
};

// All errors are a few units in the last place; `parameters` holds what follows a name in brackets.
struct VectorFunctions {
  Broadcasting add, subtract, multiply, divide;

  Unary negate, absolute, reciprocal, square_root, exponential, error_function;
  Unary relu, leaky_relu /*[alpha]*/, hard_sigmoid /*[alpha, beta]*/, hard_swish;
  Unary clip /*[low, high]*/;
  Unary sigmoid, hyperbolic_tangent, swish /*[alpha]*/, mish, gelu, gelu_tanh;

  // Of (dy, y).
  Binary relu_gradient, hard_sigmoid_gradient /*[alpha]*/, sigmoid_gradient, tanh_gradient;
  // Of (dy, x).
  Binary leaky_relu_gradient /*[alpha]*/, hard_swish_gradient, clip_gradient /*[low, high]*/;
  Binary swish_gradient /*[alpha]*/, mish_gradient, gelu_gradient, gelu_tanh_gradient;

  // Of one line of `count` elements; sums are taken in a fixed order.
  Unary softmax, log_softmax;
  Binary softmax_gradient, log_softmax_gradient;

  const char* target;  // the instruction set, for people
};

// The functions for this processor.
const VectorFunctions& Functions();

}  // namespace strop::simd
