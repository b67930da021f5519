#include <gtest/gtest.h>

#include "tests/ops/op_case.h"

namespace strop {
namespace {

template <typename T>
std::vector<T> Elements(const Tensor& tensor) {
  const auto elements = tensor.elements<T>();
  return std::vector<T>(elements.begin(), elements.end());
}

InputCase Indexes(Shape shape, std::vector<int64_t> elements) {
  return Fixed(Tensor::FromVector<int64_t>(std::move(shape), elements));
}

TEST(Gather, EveryAxis) {
  for (const int64_t axis : {0, 1, -1}) {
    CheckOp({.op = "Gather",
             .inputs = {Uniform({4, 3, 5}), Integers({2, 4}, -3, 2)},
             .attributes = {{"axis", axis}}});
  }
  CheckOp({.op = "Gather", .inputs = {Uniform({4, 3}), Indexes({}, {-1})}});
  CheckOp({.op = "Gather", .inputs = {Uniform({4}), Indexes({3}, {1, 1, 0})}});
  CheckOp({.op = "Gather", .inputs = {Uniform({4, 3}), Indexes({0}, {})}});
  CheckOp({.op = "Gather",
           .inputs = {Uniform({4, 3}), Fixed(Tensor::FromVector<int32_t>({2}, {3, -4}))}});
}

TEST(Gather, LargeTable) {
  CheckOp({.op = "Gather", .inputs = {Uniform({100, 33}), Integers({7, 40}, 0, 99)}});
}

TEST(Gather, ByTuples) {
  CheckOp({.op = "GatherND", .inputs = {Uniform({3, 4, 5}), Indexes({2, 2}, {0, 1, -1, 3})}});
  CheckOp({.op = "GatherND", .inputs = {Uniform({3, 4}), Indexes({3, 1}, {2, 2, 0})}});
  CheckOp({.op = "GatherND", .inputs = {Uniform({3, 4}), Indexes({2, 2}, {1, 2, 1, 2})}});
  CheckOp({.op = "GatherND",
           .inputs = {Uniform({2, 3, 4}), Indexes({2, 2, 1}, {0, 2, 1, 1})},
           .attributes = {{"batch_dims", int64_t{1}}}});
  CheckOp({.op = "GatherND",
           .inputs = {Uniform({2, 3, 4}), Indexes({2, 3, 1}, {0, 2, 1, 1, 3, -1})},
           .attributes = {{"batch_dims", int64_t{2}}}});
}

TEST(Gather, ElementsAlongAnAxis) {
  CheckOp({.op = "GatherElements", .inputs = {Uniform({3, 4}), Integers({2, 4}, -3, 2)}});
  CheckOp({.op = "GatherElements",
           .inputs = {Uniform({3, 4, 2}), Integers({2, 6, 2}, 0, 3)},
           .attributes = {{"axis", int64_t{1}}}});
  CheckOp({.op = "GatherElements",
           .inputs = {Uniform({3, 4}), Integers({3, 3}, 0, 3)},
           .attributes = {{"axis", int64_t{-1}}}});
}

TEST(Scatter, ByTuples) {
  CheckOp(
      {.op = "ScatterND", .inputs = {Uniform({4, 3}), Indexes({2, 1}, {-1, 1}), Uniform({2, 3})}});
  CheckOp({.op = "ScatterND",
           .inputs = {Uniform({4, 3}), Indexes({3, 2}, {0, 0, 1, 2, 3, -3}), Uniform({3})},
           .attributes = {{"reduction", std::string("none")}}});
  CheckOp({.op = "ScatterND",
           .inputs = {Uniform({4, 3}), Indexes({3, 1}, {1, 1, 2}), Uniform({3, 3})},
           .attributes = {{"reduction", std::string("add")}}});
}

TEST(Scatter, ElementsAlongAnAxis) {
  CheckOp({.op = "ScatterElements",
           .inputs = {Uniform({3, 4}), Indexes({2, 3}, {0, 1, 2, -1, 0, 1}), Uniform({2, 3})}});
  CheckOp({.op = "ScatterElements",
           .inputs = {Uniform({3, 4}), Indexes({2, 3}, {0, 1, 3, -1, 0, 1}), Uniform({2, 3})},
           .attributes = {{"axis", int64_t{1}}}});
  CheckOp({.op = "ScatterElements",
           .inputs = {Uniform({3, 4}), Indexes({2, 3}, {1, 1, 1, 1, 0, 1}), Uniform({2, 3})},
           .attributes = {{"axis", int64_t{-1}}, {"reduction", std::string("add")}}});
}

TEST(Scatter, Reductions) {
  const auto scattered = [](const std::string& op, const std::string& reduction) {
    const Shape indices = op == "ScatterND" ? Shape{4, 1} : Shape{4};
    const OpCase row = {.op = op,
                        .inputs = {Fixed(Tensor::FromVector<double>({3}, {2, 3, 4})),
                                   Indexes(indices, {0, 2, 0, -1}),
                                   Fixed(Tensor::FromVector<double>({4}, {5, 1, -1, 6}))},
                        .attributes = {{"reduction", reduction}},
                        .check_gradient = false};
    CheckOp(row);
    return Elements<double>(RunInDouble(row)[0]);
  };
  for (const std::string op : {"ScatterND", "ScatterElements"}) {
    EXPECT_EQ(scattered(op, "none"), (std::vector<double>{-1, 3, 6}));
    EXPECT_EQ(scattered(op, "add"), (std::vector<double>{6, 3, 11}));
    EXPECT_EQ(scattered(op, "mul"), (std::vector<double>{-10, 3, 24}));
    EXPECT_EQ(scattered(op, "min"), (std::vector<double>{-1, 3, 1}));
    EXPECT_EQ(scattered(op, "max"), (std::vector<double>{5, 3, 6}));
  }
}

TEST(OneHot, AxesAndValues) {
  const InputCase depth = ConstantTensor(Tensor::Scalar<int64_t>(4));
  for (const int64_t axis : {-1, 0, 1}) {
    CheckOp({.op = "OneHot",
             .inputs = {Integers({2, 3}, -6, 6), depth, Uniform({2})},
             .attributes = {{"axis", axis}}});
  }
  const Tensor y = RunInDouble({.op = "OneHot",
                                .inputs = {Indexes({3}, {1, -1, 4}), depth,
                                           Fixed(Tensor::FromVector<double>({2}, {0, 5}))}})[0];
  EXPECT_EQ(Elements<double>(y), (std::vector<double>{0, 5, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0}));
}

TEST(TopK, AxesAndOrders) {
  for (const int64_t largest : {0, 1}) {
    for (const int64_t axis : {-1, 0, 1}) {
      CheckOp({.op = "TopK",
               .inputs = {Distinct({4, 3, 5}), ConstantIntegers({2})},
               .attributes = {{"axis", axis}, {"largest", largest}},
               .output_count = 2});
    }
  }
  const std::vector<Tensor> top = RunInDouble(
      {.op = "TopK",
       .inputs = {Fixed(Tensor::FromVector<double>({5}, {1, 7, 3, 7, 2})), ConstantIntegers({3})},
       .output_count = 2});
  EXPECT_EQ(Elements<double>(top[0]), (std::vector<double>{7, 7, 3}));
  EXPECT_EQ(Elements<int64_t>(top[1]), (std::vector<int64_t>{1, 3, 2}));
}

TEST(ArgExtremum, TiesAxesAndDimensions) {
  const Tensor x = Tensor::FromVector<double>({2, 3}, {3, 1, 3, 0, 0, 2});
  const auto place = [&](const std::string& op, int64_t axis, int64_t last) {
    return Elements<int64_t>(
        RunInDouble({.op = op,
                     .inputs = {Fixed(x)},
                     .attributes = {{"axis", axis}, {"select_last_index", last}}})[0]);
  };
  EXPECT_EQ(place("ArgMax", 1, 0), (std::vector<int64_t>{0, 2}));
  EXPECT_EQ(place("ArgMax", -1, 1), (std::vector<int64_t>{2, 2}));
  EXPECT_EQ(place("ArgMax", 0, 0), (std::vector<int64_t>{0, 0, 0}));
  EXPECT_EQ(place("ArgMin", 1, 0), (std::vector<int64_t>{1, 0}));
  EXPECT_EQ(place("ArgMin", 1, 1), (std::vector<int64_t>{1, 1}));
  CheckOp({.op = "ArgMax",
           .inputs = {Distinct({3, 4, 5})},
           .attributes = {{"axis", int64_t{1}}, {"keepdims", int64_t{0}}},
           .check_gradient = false});
}

}  // namespace
}  // namespace strop
