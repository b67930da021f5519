#include <gtest/gtest.h>

#include "ops/core/registry.h"
#include "tests/ops/op_case.h"

namespace strop {
namespace {

struct Pair {
  Shape a;
  Shape b;
};

// Equal, scalar, trailing vector, leading ones, per channel, both ways, ranks apart, empty.
std::vector<Pair> Pairs() {
  return {{{3, 5}, {3, 5}},
          {{4, 37}, {}},
          {{}, {2, 3}},
          {{}, {}},
          {{6, 33}, {33}},
          {{33}, {6, 33}},
          {{2, 3, 4, 5}, {3, 1, 1}},
          {{2, 3, 7, 5}, {1, 3, 1, 1}},
          {{4, 1}, {1, 18}},
          {{2, 1, 3, 1}, {5, 1, 17}},
          {{0, 4}, {4}},
          {{1}, {1, 1, 1}},
          {{40, 129, 2}, {129, 1}},
          {{19, 1}, {19, 300}}};
}

void CheckPairs(const std::string& op, double low_b = -2, double high_b = 2,
                Attributes attributes = {}) {
  for (const Pair& pair : Pairs()) {
    CheckOp({.op = op,
             .inputs = {Uniform(pair.a), Uniform(pair.b, low_b, high_b)},
             .attributes = attributes});
  }
}

TEST(Arithmetic, Add) { CheckPairs("Add"); }
TEST(Arithmetic, Sub) { CheckPairs("Sub"); }
TEST(Arithmetic, Mul) { CheckPairs("Mul"); }

TEST(Arithmetic, Div) {
  CheckPairs("Div", 0.5, 3);
  CheckPairs("Div", -3, -0.5);
}

TEST(Arithmetic, SumAndMean) {
  for (const char* op : {"Sum", "Mean"}) {
    CheckOp({.op = op, .inputs = {Uniform({3, 4})}});
    CheckOp({.op = op, .inputs = {Uniform({300, 2}), Uniform({2}), Uniform({300, 1})}});
    CheckOp({.op = op, .inputs = {Uniform({}), Uniform({1, 7}), Uniform({5, 1}), Uniform({5, 7})}});
  }
}

template <typename T>
std::vector<double> OnIntegers(const std::string& op, std::vector<T> a, std::vector<T> b,
                               Attributes attributes = {}) {
  const auto count = static_cast<int64_t>(a.size());
  const std::vector<Tensor> results =
      RunInDouble({.op = op,
                   .inputs = {Fixed(Tensor::FromVector<T>({count}, a)),
                              Fixed(Tensor::FromVector<T>({count}, b))},
                   .attributes = std::move(attributes)});
  EXPECT_EQ(results.size(), 1u);
  if (results.empty()) return {};
  EXPECT_EQ(results[0].type(), DataTypeOf<T>::value);
  return *NumericElements(results[0]);
}

TEST(Arithmetic, IntegersWrapAndTruncate) {
  using Numbers = std::vector<double>;
  EXPECT_EQ((OnIntegers<int8_t>("Add", {127, -5}, {1, 3})), (Numbers{-128, -2}));
  EXPECT_EQ((OnIntegers<uint16_t>("Mul", {65535, 7}, {65535, 6})), (Numbers{1, 42}));
  EXPECT_EQ((OnIntegers<uint8_t>("Sub", {3, 9}, {5, 4})), (Numbers{254, 5}));
  EXPECT_EQ((OnIntegers<int32_t>("Div", {-7, 7, INT32_MIN, 5}, {2, -2, -1, 0})),
            (Numbers{-3, -3, INT32_MIN, 0}));
}

// numpy.mod and numpy.fmod.
TEST(Arithmetic, IntegerRemainders) {
  using Numbers = std::vector<double>;
  const std::vector<int64_t> a = {-4, 7, 5, 4, -7, 8};
  const std::vector<int64_t> b = {2, -3, 8, -2, 3, 5};
  EXPECT_EQ(OnIntegers<int64_t>("Mod", a, b), (Numbers{0, -2, 5, 0, 2, 3}));
  EXPECT_EQ(OnIntegers<int64_t>("Mod", a, b, {{"fmod", int64_t{1}}}), (Numbers{0, 1, 5, 0, -1, 3}));
  EXPECT_EQ((OnIntegers<int32_t>("Mod", {INT32_MIN, 5}, {-1, 0})), (Numbers{0, 0}));
}

TEST(Arithmetic, IntegerPowers) {
  using Numbers = std::vector<double>;
  EXPECT_EQ((OnIntegers<int64_t>("Pow", {3, -2, 2, 1, -1, 5}, {39, 3, -1, -4, -3, 0})),
            (Numbers{4052555153018976267.0, -8, 0, 1, -1, 1}));
}

TEST(Arithmetic, Pow) {
  for (const Pair& pair : Pairs()) {
    CheckOp({.op = "Pow", .inputs = {Uniform(pair.a, 0.5, 3), Uniform(pair.b)}});
  }
}

InputCase Exponents(Shape shape, std::vector<float> numbers) {
  return ConstantTensor(Tensor::FromVector<float>(std::move(shape), numbers));
}

TEST(Arithmetic, PowOfNegativeBase) {
  for (const float exponent : {0.0f, 1.0f, 2.0f, 3.0f, -2.0f}) {
    CheckOp({.op = "Pow", .inputs = {Uniform({40}, -2, -0.5), Exponents({}, {exponent})}});
  }
  CheckOp({.op = "Pow", .inputs = {Uniform({40}, 0.5, 2), Exponents({1}, {0.5f})}});
}

TEST(Arithmetic, PowWithIntegerExponent) {
  CheckOp({.op = "Pow", .inputs = {Uniform({3, 4}, -2, 2, {0}), Integers({4}, 0, 4)}});
}

// torch.pow's gradients where the formulas alone would give NaN.
TEST(Arithmetic, PowAtZero) {
  CheckOp({.op = "Pow", .inputs = {Uniform({5}), Exponents({}, {0.0f})}});
  CheckOp({.op = "Pow",
           .inputs = {ConstantTensor(Tensor::FromVector<float>({3}, {0, 0, 0})),
                      Uniform({3}, 0.5, 2)}});
}

TEST(Arithmetic, Mod) {
  // Quotients stay away from whole numbers, where the remainder jumps.
  for (const int64_t fmod : {0, 1}) {
    for (const double sign : {1.0, -1.0}) {
      CheckOp({.op = "Mod",
               .inputs = {Uniform({3, 40}, sign * 7.3, sign * 7.7), Uniform({40}, 1.9, 2.05)},
               .attributes = {{"fmod", fmod}}});
    }
  }
}

TEST(Arithmetic, RefusesMixedTypes) {
  Graph graph;
  const ValueId a = graph.AddInput("a", {DataType::kFloat, Shape{2}});
  const ValueId b = graph.AddInput("b", {DataType::kInt64, Shape{2}});
  const auto outputs = AppendNode(graph, {"sum", "", "Add", {}, {a, b}, {}}, 1);
  EXPECT_EQ(outputs.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(outputs.status().message().find("sum"), absl::string_view::npos);
}

}  // namespace
}  // namespace strop
