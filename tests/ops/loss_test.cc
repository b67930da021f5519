#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "ops/core/registry.h"
#include "plugin/engine/differentiate/differentiate.h"
#include "plugin/engine/runtime/session.h"
#include "tests/ops/op_case.h"

namespace strop {
namespace {

using Json = nlohmann::json;

Tensor TensorOf(const Json& flat, DataType type) {
  const auto dimensions = flat["shape"].get<std::vector<int64_t>>();
  const Shape shape(dimensions.begin(), dimensions.end());
  return *ConvertTensor(
      Tensor::FromVector<double>(shape, flat["elements"].get<std::vector<double>>()), type);
}

struct LossResult {
  double loss;
  std::vector<double> gradient;
};

// The loss and its gradient by `x`; a failure is the status of the run.
absl::StatusOr<LossResult> RunLoss(const std::string& op, const Attributes& attributes,
                                   const Tensor& x, const Tensor& target, const Tensor& weight,
                                   bool generic) {
  Graph graph;
  std::vector<Tensor> feeds = {x, target};
  Node node{"loss", std::string(kStropDomain), op, attributes};
  node.inputs = {graph.AddInput("x", {x.type(), std::nullopt}),
                 graph.AddInput("target", {target.type(), std::nullopt})};
  if (!weight.is_empty_handle()) {
    node.inputs.push_back(graph.AddInput("weight", {weight.type(), std::nullopt}));
    feeds.push_back(weight);
  }
  const ValueId input = node.inputs[0];
  auto outputs = AppendNode(graph, node, 1);
  if (!outputs.ok()) return outputs.status();
  auto gradients = Differentiate(graph, {{(*outputs)[0], kNoValue}}, {input});
  if (!gradients.ok()) return gradients.status();
  graph.outputs = {(*outputs)[0], (*gradients)[0]};
  auto session = Session::Create(graph, std::make_shared<StateStore>(),
                                 {.generic_kernels_only = generic, .verify = true});
  if (!session.ok()) return session.status();
  auto results = (*session)->Run(feeds);
  if (!results.ok()) return results.status();
  return LossResult{(*NumericElements((*results)[0]))[0], *NumericElements((*results)[1])};
}

void CompareWithGolden(const Json& golden, DataType type, bool generic, double tolerance) {
  SCOPED_TRACE(golden["op"].get<std::string>() + golden["attributes"].dump());
  Attributes attributes;
  for (const auto& [name, value] : golden["attributes"].items()) {
    if (value.is_string()) attributes.Set(name, value.get<std::string>());
    if (value.is_number_float()) attributes.Set(name, value.get<double>());
    if (value.is_number_integer()) attributes.Set(name, value.get<int64_t>());
  }
  const bool is_integer = golden["target"]["integer"];
  const Tensor weight = golden["weight"].is_null() ? Tensor() : TensorOf(golden["weight"], type);
  const auto result =
      RunLoss(golden["op"], attributes, TensorOf(golden["x"], type),
              TensorOf(golden["target"], is_integer ? DataType::kInt64 : type), weight, generic);
  ASSERT_TRUE(result.ok()) << result.status();
  const double loss = golden["loss"];
  EXPECT_NEAR(result->loss, loss, tolerance * std::max(1.0, std::abs(loss)));
  ASSERT_EQ(result->gradient.size(), golden["gradient"].size());
  for (size_t i = 0; i < result->gradient.size(); ++i) {
    EXPECT_NEAR(result->gradient[i], golden["gradient"][i].get<double>(), tolerance) << i;
  }
}

Json Goldens() {
  std::ifstream file(std::string(STROP_GOLDENS) + "/loss.json");
  return Json::parse(file);
}

TEST(Loss, EqualsPyTorchInDouble) {
  const Json goldens = Goldens();
  ASSERT_EQ(goldens.size(), 21u);
  for (const Json& golden : goldens) CompareWithGolden(golden, DataType::kDouble, true, 1e-14);
}

TEST(Loss, EqualsPyTorchInFloat) {
  for (const Json& golden : Goldens()) {
    CompareWithGolden(golden, DataType::kFloat, true, 1e-6);
    CompareWithGolden(golden, DataType::kFloat, false, 1e-6);
  }
}

OpCase Row(const std::string& op, std::vector<InputCase> inputs, Attributes attributes = {}) {
  const bool is_onnx = op == "SoftmaxCrossEntropyLoss" || op == "NegativeLogLikelihoodLoss";
  OpCase row{.op = op, .inputs = std::move(inputs), .attributes = std::move(attributes)};
  row.domain = is_onnx ? "" : std::string(kStropDomain);
  row.gradients = {0};
  return row;
}

TEST(Loss, CrossEntropyRows) {
  for (const std::string reduction : {"mean", "sum", "none"}) {
    CheckOp(Row("CrossEntropyLoss", {Uniform({7, 33}, -9, 9), Integers({7}, 0, 32)},
                {{"reduction", reduction}, {"label_smoothing", 0.1}}));
    CheckOp(Row("CrossEntropyLoss", {Uniform({2, 3, 70}), Uniform({2, 3, 70}, 0, 1)},
                {{"reduction", reduction}}));
    CheckOp(Row("CrossEntropyLoss",
                {Uniform({2, 3, 5}), Integers({2, 3}, 0, 4), Uniform({5}, 0.1, 2)},
                {{"reduction", reduction}, {"axis", int64_t{-1}}}));
    CheckOp(Row("SoftmaxCrossEntropyLoss", {Uniform({3, 5, 2}), Integers({3, 2}, 0, 4)},
                {{"reduction", reduction}, {"ignore_index", int64_t{1}}}));
    CheckOp(Row("NegativeLogLikelihoodLoss",
                {Uniform({3, 5, 2}), Integers({3, 2}, 0, 4), Uniform({5}, 0.1, 2)},
                {{"reduction", reduction}, {"ignore_index", int64_t{1}}}));
  }
}

TEST(Loss, GradientFlowsThroughLogProbabilitiesToo) {
  OpCase row = Row("SoftmaxCrossEntropyLoss", {Uniform({3, 5, 2}), Integers({3, 2}, 0, 4)});
  row.output_count = 2;
  CheckOp(row);
  row.cotangents = {1};
  CheckOp(row);
}

TEST(Loss, ElementwiseRows) {
  for (const std::string reduction : {"mean", "sum", "none"}) {
    for (const std::string op : {"MSELoss", "L1Loss", "HuberLoss", "SmoothL1Loss"}) {
      OpCase row =
          Row(op, {Uniform({3, 4}, 1.2, 3), Uniform({3, 4}, -1, 0.1)}, {{"reduction", reduction}});
      row.gradients = {0, 1};
      CheckOp(row);
      CheckOp(Row(op, {Uniform({9}, 0.1, 0.4), Integers({9}, 0, 0)}, {{"reduction", reduction}}));
    }
    CheckOp(Row("BinaryCrossEntropyWithLogitsLoss",
                {Uniform({2, 3, 4}), Uniform({2, 3, 4}, 0, 1), Uniform({3, 1}, 0.5, 2)},
                {{"reduction", reduction}}));
    CheckOp(Row("BinaryCrossEntropyWithLogitsLoss", {Uniform({2, 3}), Integers({2, 3}, 0, 1)},
                {{"reduction", reduction}}));
  }
  CheckOp(Row("MSELoss", {Uniform({5000}), Uniform({5000})}));
  CheckOp(Row("HuberLoss", {Uniform({}, 1, 2), Uniform({}, -1, 0)}, {{"delta", 0.3}}));
}

TEST(Loss, FloatLabelsMustBeWhole) {
  const Tensor x = Tensor::FromVector<float>({3, 2}, {1, 2, 3, 4, 5, 6});
  const auto run = [&](const Tensor& target) {
    return RunLoss("CrossEntropyLoss", {}, x, target, Tensor(), false).status();
  };
  EXPECT_TRUE(run(Tensor::FromVector<float>({3}, {0, 1, 1})).ok());
  EXPECT_TRUE(run(Tensor::FromVector<uint8_t>({3}, {0, 1, 1})).ok());
  const absl::Status fractional = run(Tensor::FromVector<float>({3}, {0, 0.5, 1}));
  EXPECT_EQ(fractional.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(fractional.message().find("row 1 has label 0.5"), absl::string_view::npos)
      << fractional;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_FALSE(run(Tensor::FromVector<float>({3}, {0, nan, 1})).ok());
}

TEST(Loss, LabelOutOfRangeNamesRowAndLabel) {
  const Tensor x(DataType::kFloat, {2, 3, 2});
  const auto result = RunLoss("CrossEntropyLoss", {}, x,
                              Tensor::FromVector<int64_t>({2, 2}, {0, 1, 2, 7}), Tensor(), false);
  EXPECT_EQ(result.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(result.status().message().find("row 1 (element [1,1]) has label 7, expected a class "
                                           "from 0 to 2"),
            absl::string_view::npos)
      << result.status();
}

// torch.nn.CrossEntropyLoss gives a loss of NaN and gradients of 0 there.
TEST(Loss, NoLabelThatCountsGivesNothing) {
  const Tensor x = Tensor::FromVector<float>({2, 3}, {1, 2, 3, 4, 5, 6});
  const Tensor zeros(DataType::kFloat, {3});
  const Tensor labels = Tensor::FromVector<int64_t>({2}, {-100, -100});
  const Tensor weightless = Tensor::FromVector<int64_t>({2}, {0, 2});
  for (const double smoothing : {0.0, 0.1}) {
    const Attributes attributes = {{"ignore_index", int64_t{-100}}, {"label_smoothing", smoothing}};
    for (const bool is_ignored : {true, false}) {
      const auto result =
          RunLoss("CrossEntropyLoss", attributes, x, is_ignored ? labels : weightless,
                  is_ignored ? Tensor() : zeros, /*generic=*/false);
      ASSERT_TRUE(result.ok()) << result.status();
      EXPECT_EQ(result->loss, 0);
      for (const double element : result->gradient) EXPECT_EQ(element, 0);
    }
  }
}

TEST(Loss, TargetOfTheWrongShapeIsRefused) {
  const Tensor x(DataType::kFloat, {4, 3});
  EXPECT_FALSE(RunLoss("CrossEntropyLoss", {}, x, Tensor(DataType::kInt64, {5}), {}, false).ok());
  EXPECT_FALSE(RunLoss("MSELoss", {}, x, Tensor(DataType::kFloat, {4}), {}, false).ok());
}

TEST(Loss, LargeLogitsStayFinite) {
  const Tensor x = Tensor::FromVector<float>({2, 2}, {1e4f, -1e4f, -3e38f, 3e38f});
  const auto result =
      RunLoss("CrossEntropyLoss", {}, x, Tensor::FromVector<int64_t>({2}, {0, 1}), Tensor(), false);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->loss, 0);
}

}  // namespace
}  // namespace strop
