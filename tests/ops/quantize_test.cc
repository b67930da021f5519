#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "ops/core/registry.h"
#include "plugin/engine/differentiate/differentiate.h"
#include "tests/ops/op_case.h"

namespace strop {
namespace {

using Json = nlohmann::json;

Json Goldens() {
  std::ifstream file(std::string(STROP_GOLDENS) + "/fake_quantize.json");
  return Json::parse(file);
}

Tensor TensorOf(const Json& flat) {
  const auto dimensions = flat["shape"].get<std::vector<int64_t>>();
  return Tensor::FromVector<double>(Shape(dimensions.begin(), dimensions.end()),
                                    flat["elements"].get<std::vector<double>>());
}

void ExpectNear(const Tensor& found, const Json& expected) {
  const std::vector<double> elements = *NumericElements(found);
  const auto wanted = expected["elements"].get<std::vector<double>>();
  ASSERT_EQ(elements.size(), wanted.size());
  for (size_t i = 0; i < wanted.size(); ++i) EXPECT_NEAR(elements[i], wanted[i], 1e-6) << i;
}

TEST(FakeQuantize, EqualsTorchForwardAndBackward) {
  const Json goldens = Goldens();
  for (const Json& golden : goldens["fake_quantize"]) {
    SCOPED_TRACE(golden["axis"].dump());
    Attributes attributes = {{"quant_min", golden["quant_min"].get<int64_t>()},
                             {"quant_max", golden["quant_max"].get<int64_t>()}};
    if (!golden["axis"].is_null()) attributes.Set("axis", golden["axis"].get<int64_t>());
    const InputCase x = Fixed(TensorOf(golden["x"]));
    const InputCase scale = Fixed(TensorOf(golden["scale"]));
    const InputCase zero_point = Fixed(TensorOf(golden["zero_point"]));
    ExpectNear(RunInDouble({.op = "FakeQuantize",
                            .inputs = {x, scale, zero_point},
                            .attributes = attributes,
                            .domain = "strop"})[0],
               golden["y"]);
    ExpectNear(RunInDouble({.op = "FakeQuantizeGradient",
                            .inputs = {Fixed(TensorOf(golden["dy"])), x, scale, zero_point},
                            .attributes = attributes,
                            .domain = "strop"})[0],
               golden["dx"]);
  }
}

TEST(MovingAverageRange, EqualsTorchsObserver) {
  const Json goldens = Goldens()["observed"];
  double minimum = std::numeric_limits<double>::infinity();
  double maximum = -minimum;
  for (const Json& step : goldens["steps"]) {
    OpCase row = {.op = "MovingAverageRange",
                  .inputs = {Fixed(TensorOf(step["x"])), Fixed(Tensor::Scalar(minimum)),
                             Fixed(Tensor::Scalar(maximum))},
                  .attributes = {{"averaging_constant", 0.1}},
                  .output_count = 2,
                  .domain = "strop"};
    EXPECT_EQ((*NumericElements(RunInDouble(row)[0]))[0], minimum);  // not in training
    row.attributes.Set("training_mode", int64_t{1});
    const std::vector<Tensor> range = RunInDouble(row);
    minimum = (*NumericElements(range[0]))[0];
    maximum = (*NumericElements(range[1]))[0];
    EXPECT_NEAR(minimum, step["minimum"].get<double>(), 1e-6);
    EXPECT_NEAR(maximum, step["maximum"].get<double>(), 1e-6);
    const std::vector<Tensor> parameters =
        RunInDouble({.op = "QuantizationParameters",
                     .inputs = {Fixed(range[0]), Fixed(range[1])},
                     .attributes = {{"quant_min", int64_t{0}}, {"quant_max", int64_t{255}}},
                     .output_count = 2,
                     .domain = "strop"});
    EXPECT_NEAR((*NumericElements(parameters[0]))[0], step["scale"].get<double>(), 1e-8);
    EXPECT_EQ((*NumericElements(parameters[1]))[0], step["zero_point"].get<double>());
  }
}

// Rounding has no gradient of its own: nothing before it may be trained as if it were not there.
TEST(QuantizeLinear, IsAnObstacleAndNoSilentZero) {
  Graph graph;
  const ValueId x = graph.AddState("x", Tensor(DataType::kFloat, {4}));
  const ValueId scale = graph.AddConstant("scale", Tensor::Scalar<float>(0.1F));
  const ValueId quantized =
      (*AppendNode(graph, {"round", "", "QuantizeLinear", {}, {x, scale}}, 1))[0];
  const ValueId moved = (*AppendNode(graph, {"between", "", "Identity", {}, {quantized}}, 1))[0];
  const ValueId y =
      (*AppendNode(graph, {"back", "", "DequantizeLinear", {}, {moved, scale}}, 1))[0];
  const absl::Status status = Differentiate(graph, {{y, kNoValue}}, {x}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
  EXPECT_NE(status.message().find("\"round\" (QuantizeLinear)"), absl::string_view::npos) << status;
}

}  // namespace
}  // namespace strop
