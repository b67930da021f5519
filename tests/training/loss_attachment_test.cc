#include <gtest/gtest.h>

#include <cmath>

#include "ops/registry.h"
#include "plugin/training/loss.h"
#include "plugin/training/metrics.h"

namespace strop {
namespace {

ValueId Append(Graph& graph, const std::string& op, std::vector<ValueId> inputs,
               Attributes attributes = {}) {
  return (*AppendNode(graph, Node{op, "", op, std::move(attributes), std::move(inputs), {}}, 1))[0];
}

// An input of that shape, which is the output too.
Graph OneValue(const Shape& shape) {
  Graph graph;
  graph.outputs = {graph.AddInput("logits", {DataType::kFloat, shape})};
  return graph;
}

int64_t AxisFor(const Shape& logits, const DataField& target) {
  Graph graph = OneValue(logits);
  const auto attached = AttachLoss(graph, LossOptions(), &target);
  EXPECT_TRUE(attached.ok()) << attached.status();
  return attached.ok() ? attached->class_axis : -1;
}

TEST(LossAttachment, FindsTheClassAxis) {
  const auto labels = [](Shape shape) {
    return DataField{"target", DataType::kInt64, std::move(shape)};
  };
  EXPECT_EQ(AxisFor({kUnknownDimension, 10}, labels({})), 1);
  EXPECT_EQ(AxisFor({kUnknownDimension, 10}, labels({1})), 1);
  EXPECT_EQ(AxisFor({kUnknownDimension, 128, 50}, labels({128})), 2);
  EXPECT_EQ(AxisFor({kUnknownDimension, 50, 128}, labels({128})), 1);
  EXPECT_EQ(AxisFor({4, 3, 32, 32}, labels({32, 32})), 1);
  EXPECT_EQ(AxisFor({4, 32, 32, 3}, labels({32, 32})), 3);
  Graph graph = OneValue({4, 3, 32, 32});
  const DataField wrong = labels({16, 16});
  EXPECT_EQ(AttachLoss(graph, LossOptions(), &wrong).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(LossAttachment, FloatingTargetsOfTheLogitsShapeAreProbabilities) {
  Graph graph = OneValue({kUnknownDimension, 10});
  const DataField soft{"target", DataType::kDouble, {10}};
  const auto attached = AttachLoss(graph, LossOptions(), &soft);
  ASSERT_TRUE(attached.ok());
  EXPECT_EQ(attached->interface.kind, TargetInterface::Kind::kNumbers);
  EXPECT_EQ(graph.type(attached->target).element_type, DataType::kFloat);
  graph = OneValue({kUnknownDimension, 10});
  const DataField hard{"target", DataType::kDouble, {}};
  const auto with_labels = AttachLoss(graph, LossOptions(), &hard);
  ASSERT_TRUE(with_labels.ok());
  EXPECT_EQ(with_labels->interface.kind, TargetInterface::Kind::kClasses);
  EXPECT_EQ(with_labels->interface.class_count, 10);
}

TEST(LossAttachment, WithoutAKnownClassCountEveryLabelIsLeftToTheLoss) {
  Graph graph = OneValue({kUnknownDimension, kUnknownDimension});
  const auto attached = AttachLoss(graph, LossOptions(), nullptr);
  ASSERT_TRUE(attached.ok());
  EXPECT_GT(attached->interface.class_count, int64_t{1} << 60);
}

TEST(LossAttachment, GoesThroughViewsToTheLogits) {
  Graph graph;
  const ValueId x = graph.AddInput("x", {DataType::kFloat, Shape{kUnknownDimension, 4, 1, 1}});
  ValueId y = Append(graph, "Softmax", {x}, {{"axis", int64_t{1}}});
  y = Append(graph, "Flatten", {y});
  graph.value(y).type.shape = Shape{kUnknownDimension, 4};
  graph.outputs = {Append(graph, "Identity", {y})};
  graph.value(graph.outputs[0]).type.shape = Shape{kUnknownDimension, 4};
  const auto attached = AttachLoss(graph, LossOptions(), nullptr);
  ASSERT_TRUE(attached.ok()) << attached.status();
  const std::vector<int> producers = graph.Producers();
  const Node& identity =
      graph.nodes[static_cast<size_t>(producers[static_cast<size_t>(attached->prediction)])];
  EXPECT_EQ(identity.op_type, "Identity");
  const Node& flatten =
      graph.nodes[static_cast<size_t>(producers[static_cast<size_t>(identity.inputs[0])])];
  EXPECT_EQ(flatten.op_type, "Flatten");
  EXPECT_EQ(flatten.inputs[0], x);
  EXPECT_EQ(attached->interface.class_count, 4);
}

TEST(LossAttachment, RefusesAnUnknownOutputListingTheOthers) {
  Graph graph = OneValue({2, 3});
  LossOptions options;
  options.output = "scores";
  const absl::Status status = AttachLoss(graph, options, nullptr).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(status.message().find("logits"), absl::string_view::npos);
}

TEST(Metrics, GatherOverBatches) {
  MetricSet accuracy = *MetricSet::Create({"accuracy"}, false, {LossKind::kCrossEntropy, 1, -100});
  const Tensor logits = Tensor::FromVector<float>({3, 2}, {1, 2, 2, 1, 0, 5});
  ASSERT_TRUE(accuracy.Update(logits, Tensor::FromVector<int64_t>({3}, {1, 0, 0}), 3).ok());
  ASSERT_TRUE(accuracy.Update(logits, Tensor::FromVector<int64_t>({3}, {1, -100, -100}), 3).ok());
  EXPECT_DOUBLE_EQ(accuracy.Values()["accuracy"], 0.75);
  MetricSet errors = *MetricSet::Create({"mae", "rmse"}, false, {LossKind::kMeanSquaredError});
  const Tensor zeros(DataType::kFloat, {2});
  ASSERT_TRUE(errors.Update(Tensor::FromVector<float>({2}, {3, 4}), zeros, 2).ok());
  EXPECT_DOUBLE_EQ(errors.Values()["rmse"], std::sqrt(12.5));
  EXPECT_DOUBLE_EQ(errors.Values()["mae"], 3.5);
  EXPECT_FALSE(MetricSet::Create({"mae"}, false, {LossKind::kCrossEntropy}).ok());
  EXPECT_FALSE(MetricSet::Create({"speed"}, false, {LossKind::kCrossEntropy}).ok());
}

}  // namespace
}  // namespace strop
