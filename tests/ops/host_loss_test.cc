#include "ops/training/host_loss.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/ops/op_case.h"

namespace strop {
namespace {

// Σᵢ (i + 1) · mean((xᵢ − t)³), in double whatever the types are, and its gradient.
absl::StatusOr<double> CubicLoss(const HostLoss::Batch& batch) {
  const std::vector<double> target = *NumericElements(batch.target);
  double loss = 0;
  for (size_t i = 0; i < batch.outputs.size(); ++i) {
    const std::vector<double> x = *NumericElements(batch.outputs[i]);
    const auto weight = static_cast<double>(i + 1) / static_cast<double>(x.size());
    for (size_t j = 0; j < x.size(); ++j) {
      const double difference = x[j] - target[j];
      loss += weight * difference * difference * difference;
      if (batch.gradients.empty()) continue;
      const double slope = 3 * weight * difference * difference;
      Tensor& gradient = batch.gradients[i];
      if (gradient.type() == DataType::kDouble) {
        gradient.mutable_elements<double>()[j] = slope;
      } else {
        gradient.mutable_elements<float>()[j] = static_cast<float>(slope);
      }
    }
  }
  return loss;
}

OpCase Row(const HostLoss& loss, std::vector<InputCase> inputs) {
  return {.op = "HostLoss",
          .inputs = std::move(inputs),
          .attributes = {{"number", loss.number()}, {"names", std::vector<std::string>{"a", "b"}}},
          .domain = std::string(kStropDomain)};
}

TEST(HostLoss, HasTheGradientThatItsFunctionGives) {
  const std::shared_ptr<const HostLoss> loss = HostLoss::Create(CubicLoss);
  CheckOp(Row(*loss, {Uniform({4, 3}), Uniform({4, 3})}));
  CheckOp(Row(*loss, {Uniform({4, 3}), Uniform({4, 3}), Uniform({4, 3})}));
  CheckOp(Row(*loss, {Integers({5}, 0, 3), Uniform({5})}));
  CheckOp(Row(*loss, {Uniform({}), Uniform({})}));
}

TEST(HostLoss, IsAskedForGradientsOnlyWhereTheyAreWanted) {
  bool wants = true;
  std::vector<std::string> names;
  const std::shared_ptr<const HostLoss> loss =
      HostLoss::Create([&](const HostLoss::Batch& batch) -> absl::StatusOr<double> {
        wants = !batch.gradients.empty();
        names.assign(batch.names.begin(), batch.names.end());
        return 2.5;
      });
  const OpCase row = Row(*loss, {Uniform({2}), Uniform({2})});
  EXPECT_EQ(*NumericElements(RunInDouble(row)[0]), std::vector<double>({2.5}));
  EXPECT_FALSE(wants);
  EXPECT_EQ(names, (std::vector<std::string>{"a", "b"}));
}

TEST(HostLoss, IsFoundWhileItLives) {
  std::shared_ptr<const HostLoss> loss = HostLoss::Create(CubicLoss);
  const int64_t number = loss->number();
  EXPECT_EQ(HostLoss::Find(number), loss);
  loss.reset();
  EXPECT_EQ(HostLoss::Find(number), nullptr);
}

}  // namespace
}  // namespace strop
