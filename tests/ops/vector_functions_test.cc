// The vector functions against the C library in double, over their whole range.

#include "ops/kernels/simd/vector_functions.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numbers>
#include <string>
#include <vector>

namespace strop::simd {
namespace {

using Formula = std::function<double(double)>;

// Evenly spaced numbers, small ones of both signs, and an odd count for the last vector.
std::vector<float> Numbers(float low, float high) {
  std::vector<float> numbers;
  constexpr int kCount = 200001;
  for (int i = 0; i < kCount; ++i) {
    numbers.push_back(low + (high - low) * static_cast<float>(i) / (kCount - 1));
  }
  for (float small = 1e-30f; small < 1; small *= 1.7f) {
    for (const float x : {small, -small}) {
      if (x >= low && x <= high) numbers.push_back(x);
    }
  }
  return numbers;
}

// |found − expected| ≤ (relative + |exponent(x)|·2^−23)·|expected| + absolute: what the argument of
// an exponential loses by rounding (here twice), its result loses relatively.
struct Tolerance {
  double relative;
  double absolute;
  Formula exponent = [](double) { return 0.0; };
};

void ExpectClose(const std::vector<float>& x, const std::vector<float>& y, const Formula& formula,
                 Tolerance tolerance, const std::string& name) {
  for (size_t i = 0; i < x.size(); ++i) {
    const double expected = formula(x[i]);
    const double error = std::abs(y[i] - expected);
    const double relative = tolerance.relative + std::abs(tolerance.exponent(x[i])) * 0x1p-23;
    ASSERT_LE(error, relative * std::abs(expected) + tolerance.absolute)
        << name << "(" << x[i] << ") = " << y[i] << ", expected " << expected;
  }
}

void ExpectUnary(const std::string& name, Unary function, const Formula& formula, float low,
                 float high, Tolerance tolerance, std::vector<float> parameters = {}) {
  const std::vector<float> x = Numbers(low, high);
  std::vector<float> y(x.size());
  function(x.data(), y.data(), static_cast<int64_t>(x.size()), parameters.data());
  ExpectClose(x, y, formula, tolerance, name);
  const float not_a_number = std::numeric_limits<float>::quiet_NaN();
  float result = 0;
  function(&not_a_number, &result, 1, parameters.data());
  EXPECT_TRUE(std::isnan(result)) << name << " loses NaN";
}

// A gradient of (dy, x), with dy = 1.
void ExpectSlope(const std::string& name, Binary function, const Formula& formula, float low,
                 float high, Tolerance tolerance, std::vector<float> parameters = {}) {
  const std::vector<float> x = Numbers(low, high);
  const std::vector<float> dy(x.size(), 1.0f);
  std::vector<float> dx(x.size());
  function(dy.data(), x.data(), dx.data(), static_cast<int64_t>(x.size()), parameters.data());
  ExpectClose(x, dx, formula, tolerance, name);
}

// Three units in the last place; `absolute` where results are subnormal or cancel.
constexpr double kUnits = 3 * 0x1p-23;
constexpr double kSubnormal = 1e-37;

double Sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double Phi(double x) { return 0.5 * std::erfc(-x / std::numbers::sqrt2); }
double Density(double x) { return std::exp(-x * x / 2) / std::sqrt(2 * std::numbers::pi); }

double GeluTanhArgument(double x) {
  return std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x);
}

double GeluTanh(double x) { return x * Sigmoid(2 * GeluTanhArgument(x)); }

double GeluTanhSlope(double x) {
  const double gate = Sigmoid(2 * GeluTanhArgument(x));
  const double inner = 2 * std::sqrt(2 / std::numbers::pi) * (1 + 3 * 0.044715 * x * x);
  return gate + x * gate * Sigmoid(-2 * GeluTanhArgument(x)) * inner;
}

double SwishSlope(double x) { return Sigmoid(1.5 * x) * (1 + 1.5 * x * Sigmoid(-1.5 * x)); }

double MishGate(double x) { return std::tanh(std::log1p(std::exp(x))); }
double MishSlope(double x) {
  return MishGate(x) + x * (1 - MishGate(x) * MishGate(x)) * Sigmoid(x);
}

TEST(VectorFunctions, Exponentials) {
  const VectorFunctions& f = Functions();
  ExpectUnary("exp", f.exponential, [](double x) { return std::exp(x); }, -110, 88.7f,
              {kUnits, 2e-45});
  ExpectUnary("sigmoid", f.sigmoid, Sigmoid, -100, 100, {kUnits, kSubnormal});
  ExpectUnary("tanh", f.hyperbolic_tangent, [](double x) { return std::tanh(x); }, -50, 50,
              {kUnits, 0});
  ExpectUnary("erf", f.error_function, [](double x) { return std::erf(x); }, -8, 8, {5e-7, 0});
}

TEST(VectorFunctions, ExponentialOverflows) {
  const float x[] = {88.73f, 1000, std::numeric_limits<float>::infinity(),
                     -std::numeric_limits<float>::infinity()};
  float y[4];
  Functions().exponential(x, y, 4, nullptr);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(std::isinf(y[i])) << x[i];
  EXPECT_EQ(y[3], 0);
}

TEST(VectorFunctions, Activations) {
  const VectorFunctions& f = Functions();
  ExpectUnary("gelu", f.gelu, [](double x) { return x * Phi(x); }, -12, 12,
              {2 * kUnits, kSubnormal, [](double x) { return x * x / 2; }});
  // The argument is rounded four times.
  ExpectUnary("gelu_tanh", f.gelu_tanh, GeluTanh, -9, 12,
              {2 * kUnits, kSubnormal, [](double x) { return 2 * 2 * GeluTanhArgument(x); }});
  ExpectUnary("swish", f.swish, [](double x) { return x * Sigmoid(1.5 * x); }, -50, 50,
              {2 * kUnits, kSubnormal, [](double x) { return 1.5 * x; }}, {1.5f});
  ExpectUnary("mish", f.mish, [](double x) { return x * MishGate(x); }, -80, 100,
              {2 * kUnits, kSubnormal});
  ExpectUnary("hard_swish", f.hard_swish,
              [](double x) { return x * std::clamp(x / 6 + 0.5, 0.0, 1.0); }, -5, 5,
              {kUnits, 3e-7});
}

// Slopes pass through zero, so that their error is measured against 1.
TEST(VectorFunctions, Slopes) {
  const VectorFunctions& f = Functions();
  const Tolerance tolerance = {0, 2 * kUnits};
  ExpectSlope(
      "gelu", f.gelu_gradient, [](double x) { return Phi(x) + x * Density(x); }, -12, 12,
      tolerance);
  ExpectSlope("gelu_tanh", f.gelu_tanh_gradient, GeluTanhSlope, -12, 12, tolerance);
  ExpectSlope("swish", f.swish_gradient, SwishSlope, -50, 50, tolerance, {1.5f});
  ExpectSlope("mish", f.mish_gradient, MishSlope, -80, 100, tolerance);
}

// Every element takes the same path wherever its range begins.
TEST(VectorFunctions, DoNotDependOnTheRange) {
  const VectorFunctions& f = Functions();
  const std::vector<float> x = Numbers(-4, 4);
  std::vector<float> whole(x.size());
  std::vector<float> pieces(x.size());
  f.gelu(x.data(), whole.data(), static_cast<int64_t>(x.size()), nullptr);
  for (size_t begin = 0, length = 1; begin < x.size(); begin += length, length = length % 37 + 1) {
    const size_t count = std::min(length, x.size() - begin);
    f.gelu(x.data() + begin, pieces.data() + begin, static_cast<int64_t>(count), nullptr);
  }
  EXPECT_EQ(whole, pieces);
}

}  // namespace
}  // namespace strop::simd
