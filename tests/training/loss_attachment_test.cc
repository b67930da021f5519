#include <gtest/gtest.h>

#include <cmath>

#include "graph/graph_index.h"
#include "ops/core/registry.h"
#include "plugin/training/graph/loss.h"
#include "plugin/training/metrics/metrics.h"

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

// Data of two samples, as OneValue takes them, with a target of that type and shape.
DataShapes Data(const Shape& logits, DataType type, Shape target) {
  DataShapes data;
  data.inputs = {Shape(logits.begin() + 1, logits.end())};
  data.target = DataField{"target", type, std::move(target)};
  data.batch_size = 2;
  return data;
}

absl::StatusOr<AttachedLoss> AttachTo(const Shape& logits, DataType type, Shape target,
                                      const LossOptions& options = {}) {
  Graph graph = OneValue(logits);
  return AttachLoss(graph, options, Data(logits, type, std::move(target)));
}

int64_t AxisFor(const Shape& logits, Shape target) {
  const auto attached = AttachTo(logits, DataType::kInt64, std::move(target));
  EXPECT_TRUE(attached.ok()) << attached.status();
  return attached.ok() ? attached->class_axis : -1;
}

TEST(LossAttachment, FindsTheClassAxis) {
  EXPECT_EQ(AxisFor({kUnknownDimension, 10}, {}), 1);
  EXPECT_EQ(AxisFor({kUnknownDimension, 10}, {1}), 1);
  EXPECT_EQ(AxisFor({kUnknownDimension, 128, 50}, {128}), 2);
  EXPECT_EQ(AxisFor({kUnknownDimension, 50, 128}, {128}), 1);
  EXPECT_EQ(AxisFor({2, 3, 32, 32}, {32, 32}), 1);
  EXPECT_EQ(AxisFor({2, 3, 32, 32}, {1, 32, 32}), 1);
  EXPECT_EQ(AxisFor({2, 32, 32, 3}, {32, 32}), 3);
  EXPECT_EQ(AttachTo({2, 3, 32, 32}, DataType::kInt64, {16, 16}).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(LossAttachment, TakesPyTorchsAxisOfSeveralAndSaysSo) {
  const auto first = AttachTo({kUnknownDimension, 5, 5, 5}, DataType::kInt64, {5, 5});
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->class_axis, 1);
  EXPECT_NE(first->note.find("axis 1, 2 or 3"), std::string::npos) << first->note;
  LossOptions options;
  options.class_axis = -1;
  const auto last = AttachTo({kUnknownDimension, 5, 5, 5}, DataType::kInt64, {5, 5}, options);
  ASSERT_TRUE(last.ok()) << last.status();
  EXPECT_EQ(last->class_axis, 3);
  EXPECT_EQ(last->note, "");
  EXPECT_EQ(AttachTo({2, 3, 32, 32}, DataType::kInt64, {32, 32})->note, "");
  const absl::Status open = AttachTo({2, 7, 5, 5}, DataType::kInt64, {7, 5}).status();
  EXPECT_EQ(open.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(open.message().find("axis 2 or 3; say which with --class-axis"),
            absl::string_view::npos)
      << open;
}

TEST(LossAttachment, TargetsOfTheLogitsShapeAreProbabilities) {
  for (const DataType type : {DataType::kDouble, DataType::kInt64, DataType::kUint8}) {
    const auto soft = AttachTo({kUnknownDimension, 10}, type, {10});
    ASSERT_TRUE(soft.ok());
    EXPECT_EQ(soft->interface.kind, TargetInterface::Kind::kProbabilities);
    EXPECT_EQ(soft->interface.type.element_type, DataType::kFloat);
    EXPECT_EQ(soft->interface.class_axis, 0);
  }
  const auto pixels = AttachTo({kUnknownDimension, 3, 8, 8}, DataType::kFloat, {3, 8, 8});
  ASSERT_TRUE(pixels.ok());
  EXPECT_EQ(pixels->interface.kind, TargetInterface::Kind::kProbabilities);
  const auto labels = AttachTo({kUnknownDimension, 10}, DataType::kDouble, {});
  ASSERT_TRUE(labels.ok());
  EXPECT_EQ(labels->interface.kind, TargetInterface::Kind::kClasses);
  EXPECT_EQ(labels->interface.class_count, 10);
}

TEST(LossAttachment, ClassWeightsBoundLabelsOfAnUnknownClassCount) {
  Graph graph;  // x·xᵀ: as many classes as samples
  const ValueId x = graph.AddInput("x", {DataType::kFloat, Shape{kUnknownDimension, 4}});
  const ValueId transposed = Append(graph, "Transpose", {x});
  graph.outputs = {Append(graph, "MatMul", {x, transposed})};
  LossOptions options;
  const DataShapes data = {{{4}}, DataField{"target", DataType::kInt64, {}}, 2};
  Graph without_weights = graph;
  EXPECT_GT(AttachLoss(without_weights, options, data)->interface.class_count, int64_t{1} << 60);
  options.class_weights = {1, 2, 3};
  EXPECT_EQ(AttachLoss(graph, options, data)->interface.class_count, 3);
}

TEST(LossAttachment, RefusesClassWeightsOfAnotherNumber) {
  LossOptions options;
  options.class_weights = {1, 2};
  const absl::Status status =
      AttachTo({kUnknownDimension, 3}, DataType::kInt64, {}, options).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(status.message().find("3 classes"), absl::string_view::npos) << status;
}

TEST(LossAttachment, SeesTheBatchInTheRowsOfAFlattenedOutput) {
  Graph graph;
  const ValueId x = graph.AddInput("x", {DataType::kFloat, Shape{kUnknownDimension, 6, 4}});
  const ValueId rows = graph.AddConstant("rows", Tensor::FromVector<int64_t>({2}, {-1, 4}));
  graph.outputs = {Append(graph, "Reshape", {x, rows})};
  const DataShapes data = {{{6, 4}}, DataField{"target", DataType::kInt64, {6}}, 2};
  const auto attached = AttachLoss(graph, LossOptions(), data);
  ASSERT_TRUE(attached.ok()) << attached.status();
  EXPECT_EQ(attached->interface.type.shape, (Shape{kUnknownDimension, 6}));
  EXPECT_EQ(attached->interface.class_count, 4);
}

TEST(LossAttachment, RefusesWhatHasNoBatchOnAxisZero) {
  Graph graph;
  const ValueId x = graph.AddInput("x", {DataType::kFloat, Shape{kUnknownDimension, 6, 4}});
  graph.outputs = {Append(graph, "Transpose", {x}, {{"perm", std::vector<int64_t>{1, 0, 2}}})};
  const DataShapes data = {{{6, 4}}, DataField{"target", DataType::kInt64, {6}}, 5};
  const absl::Status moved = AttachLoss(graph, LossOptions(), data).status();
  EXPECT_EQ(moved.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(moved.message().find("whose batch is axis 1"), absl::string_view::npos) << moved;
  graph.outputs = {Append(graph, "ReduceMean", {x}, {{"keepdims", int64_t{0}}})};
  const absl::Status scalar = AttachLoss(graph, LossOptions(), data).status();
  EXPECT_EQ(scalar.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(scalar.message().find("a single number"), absl::string_view::npos) << scalar;
}

TEST(LossAttachment, GoesThroughViewsToTheLogits) {
  Graph graph;
  const ValueId x = graph.AddInput("x", {DataType::kFloat, Shape{kUnknownDimension, 4, 1, 1}});
  ValueId y = Append(graph, "Softmax", {x}, {{"axis", int64_t{1}}});
  y = Append(graph, "Flatten", {y});
  graph.value(y).type.shape = Shape{kUnknownDimension, 4};
  graph.outputs = {Append(graph, "Identity", {y})};
  graph.value(graph.outputs[0]).type.shape = Shape{kUnknownDimension, 4};
  const auto attached = AttachLoss(graph, LossOptions(), {{{4, 1, 1}}, std::nullopt, 2});
  ASSERT_TRUE(attached.ok()) << attached.status();
  const GraphIndex index(graph);
  const Node& identity = graph.nodes[static_cast<size_t>(index.producer(attached->prediction))];
  EXPECT_EQ(identity.op_type, "Identity");
  const Node& flatten = graph.nodes[static_cast<size_t>(index.producer(identity.inputs[0]))];
  EXPECT_EQ(flatten.op_type, "Flatten");
  EXPECT_EQ(flatten.inputs[0], x);
  EXPECT_EQ(attached->interface.class_count, 4);
}

TEST(LossAttachment, RefusesAnUnknownOutputListingTheOthers) {
  Graph graph = OneValue({2, 3});
  LossOptions options;
  options.output = "scores";
  const absl::Status status = AttachLoss(graph, options, {{{3}}, std::nullopt, 2}).status();
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
