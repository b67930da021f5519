#include <gtest/gtest.h>

#include <cmath>

#include "ops/core/registry.h"
#include "plugin/engine/runtime/session.h"

namespace strop {
namespace {

// norm and scale of two gradients
std::vector<double> Clip(const std::vector<float>& a, const std::vector<double>& b,
                         double max_norm) {
  Graph graph;
  const ValueId first = graph.AddInput("a", {DataType::kFloat, std::nullopt});
  const ValueId second = graph.AddInput("b", {DataType::kDouble, std::nullopt});
  const ValueId loss = graph.AddConstant("loss", Tensor::Scalar<float>(1));
  const ValueId norm = (*AppendNode(
      graph, Node{"norm", std::string(kStropDomain), "GradientNorm", {}, {first, second}}, 1))[0];
  const ValueId scale = (*AppendNode(
      graph,
      Node{"scale", std::string(kStropDomain), "StepScale", {{"max_norm", max_norm}}, {loss, norm}},
      1))[0];
  graph.outputs = {norm, scale};
  auto session = Session::Create(graph, std::make_shared<StateStore>(), {.verify = true});
  EXPECT_TRUE(session.ok()) << session.status();
  auto results = (*session)->Run({Tensor::FromVector<float>({static_cast<int64_t>(a.size())}, a),
                                  Tensor::FromVector<double>({static_cast<int64_t>(b.size())}, b)});
  EXPECT_TRUE(results.ok()) << results.status();
  return {(*results)[0].elements<double>()[0], (*results)[1].elements<double>()[0]};
}

TEST(GradientClipping, ScalesDownToTheMaximumNorm) {
  const std::vector<double> large = Clip({3, 0}, {4}, 2);
  EXPECT_DOUBLE_EQ(large[0], 5);
  EXPECT_DOUBLE_EQ(large[1], 2 / (5 + 1e-6));
  EXPECT_EQ(Clip({3, 0}, {4}, 50)[1], 1);
  EXPECT_TRUE(std::isnan(Clip({std::nanf("")}, {4}, 50)[1]));
}

TEST(GradientClipping, SumsManyBlocks) {
  const std::vector<double> clipped = Clip(std::vector<float>(100000, 0.5f), {}, 1);
  EXPECT_DOUBLE_EQ(clipped[0], std::sqrt(25000.0));
}

}  // namespace
}  // namespace strop
