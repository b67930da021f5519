#include <gtest/gtest.h>

#include <cmath>

#include "ops/kernels/philox.h"
#include "tests/ops/op_case.h"

namespace strop {
namespace {

OpCase Dropout(Shape x, double ratio, bool is_training) {
  return {.op = "Dropout",
          .inputs = {Uniform(std::move(x), 0.5, 2), ConstantTensor(Tensor::Scalar(ratio)),
                     ConstantTensor(Tensor::Scalar(is_training))},
          .gradients = {0}};
}

TEST(Dropout, Inference) {
  CheckOp({.op = "Dropout", .inputs = {Uniform({3, 5})}});
  CheckOp(Dropout({3, 5}, 0.25, false));
}

TEST(Dropout, Training) {
  CheckOp(Dropout({7, 11}, 0.25, true));
  CheckOp(Dropout({7, 11}, 0, true));
}

// The share of kept elements and their scale.
TEST(Dropout, KeepsOneMinusRatio) {
  constexpr int64_t kCount = 100000;
  constexpr double kRatio = 0.3;
  OpCase row = Dropout({kCount}, kRatio, true);
  row.inputs[0] = Fixed(Tensor::FromVector({kCount}, std::vector<double>(kCount, 1)));
  const Tensor y = RunInDouble(row)[0];
  double kept = 0;
  for (const double element : y.elements<double>()) {
    if (element == 0) continue;
    EXPECT_NEAR(element, 1 / (1 - kRatio), 1e-12);
    kept += 1;
  }
  // Five standard deviations of a binomial count.
  EXPECT_NEAR(kept / kCount, 1 - kRatio, 5 * std::sqrt(kRatio * (1 - kRatio) / kCount));
}

// The known answers of the paper's own implementation (Random123, kat_vectors, philox4x32 10).
TEST(Philox, KnownAnswers) {
  EXPECT_EQ(Philox(0, 0, 0)(0), (Philox::Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(Philox(0xffffffffffffffff, 0xffffffff, 0xffffffff)(0xffffffffffffffff),
            (Philox::Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(Philox(0x299f31d0a4093822, 0x13198a2e, 0x03707344)(0x85a308d3243f6a88),
            (Philox::Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

}  // namespace
}  // namespace strop
