#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "ops/registry.h"
#include "plugin/runtime/session.h"

namespace strop {
namespace {

using Json = nlohmann::json;

// PyTorch's options as attributes and moments of an update op.
struct UpdateCase {
  std::string op;
  Attributes attributes;
  std::vector<bool> moments;  // which of the op's moments are kept
};

UpdateCase UpdateOf(const Json& golden) {
  const std::string name = golden["name"];
  const Json& options = golden["options"];
  const auto number = [&](const char* option, double fallback) {
    return options.value(option, fallback);
  };
  const bool is_decoupled = name.rfind("adamw", 0) == 0;
  UpdateCase update;
  update.attributes.Set("weight_decay", number("weight_decay", is_decoupled ? 0.01 : 0));
  update.attributes.Set("epsilon", number("eps", 1e-8));
  if (name.rfind("sgd", 0) == 0) {
    update.op = "SgdUpdate";
    update.attributes.Set("momentum", number("momentum", 0));
    update.attributes.Set("dampening", number("dampening", 0));
    update.attributes.Set("nesterov", int64_t{options.value("nesterov", false)});
    update.moments = {options.contains("momentum")};
  } else if (name.rfind("rmsprop", 0) == 0) {
    update.op = "RmsPropUpdate";
    update.attributes.Set("alpha", number("alpha", 0.99));
    update.attributes.Set("momentum", number("momentum", 0));
    update.moments = {true, options.value("centered", false), options.contains("momentum")};
  } else {
    update.op = "AdamUpdate";
    if (options.contains("betas")) {
      update.attributes.Set("beta1", options["betas"][0].get<double>());
      update.attributes.Set("beta2", options["betas"][1].get<double>());
    }
    update.attributes.Set("decoupled_weight_decay", int64_t{is_decoupled});
    update.moments = {true, true, options.value("amsgrad", false)};
  }
  return update;
}

// A parameter under one update op: inputs gradient, learning rate, step; the state is updated.
Graph UpdateGraph(const UpdateCase& update, const Tensor& initial, bool has_scale) {
  Graph graph;
  const ValueId parameter = graph.AddState("parameter", initial);
  const ValueId gradient = graph.AddInput("gradient", {initial.type(), initial.shape()});
  const ValueId rate = graph.AddInput("learning_rate", {DataType::kDouble, Shape{}});
  const ValueId step = graph.AddInput("step", {DataType::kInt64, Shape{}});
  Node node{"update", std::string(kStropDomain), update.op, update.attributes};
  node.inputs = {parameter, gradient, rate, step, kNoValue};
  if (has_scale) node.inputs[4] = graph.AddInput("scale", {DataType::kDouble, Shape{}});
  std::vector<ValueId> states = {parameter};
  for (size_t i = 0; i < update.moments.size(); ++i) {
    ValueId moment = kNoValue;
    if (update.moments[i]) {
      moment =
          graph.AddState("moment" + std::to_string(i), Tensor(initial.type(), initial.shape()));
    }
    node.inputs.push_back(moment);
    states.push_back(moment);
  }
  for (size_t i = 0; i < states.size(); ++i) {
    if (states[i] == kNoValue) {
      node.outputs.push_back(kNoValue);
      continue;
    }
    const ValueId updated = graph.AddValue("updated" + std::to_string(i), graph.type(states[i]));
    node.outputs.push_back(updated);
    graph.state_updates.push_back({states[i], updated});
  }
  graph.nodes.push_back(node);
  return graph;
}

Tensor Typed(const std::vector<double>& numbers, DataType type) {
  const auto count = static_cast<int64_t>(numbers.size());
  return *ConvertTensor(Tensor::FromVector<double>({count}, numbers), type);
}

void CompareWithGolden(const Json& document, const Json& golden, DataType type, double tolerance) {
  SCOPED_TRACE(golden["name"].get<std::string>());
  const Graph graph =
      UpdateGraph(UpdateOf(golden), Typed(document["initial"], type), /*has_scale=*/false);
  auto session = Session::Create(graph, std::make_shared<StateStore>(), {.verify = true});
  ASSERT_TRUE(session.ok()) << session.status();
  const Json& expected = golden[type == DataType::kDouble ? "double" : "float"];
  for (size_t step = 0; step < expected.size(); ++step) {
    const auto result = (*session)->Run({Typed(document["gradients"][step], type),
                                         Tensor::Scalar<double>(golden["options"]["lr"]),
                                         Tensor::Scalar<int64_t>(static_cast<int64_t>(step) + 1)});
    ASSERT_TRUE(result.ok()) << result.status();
    const std::vector<double> found = *NumericElements(*(*session)->store().Read("parameter"));
    for (size_t i = 0; i < found.size(); ++i) {
      const double wanted = expected[step][i];
      EXPECT_NEAR(found[i], wanted, tolerance * std::max(1.0, std::abs(wanted)))
          << "step " << step << ", element " << i;
    }
  }
}

Json ReadGolden(const std::string& name) {
  std::ifstream file(std::string(STROP_GOLDENS) + "/" + name);
  return Json::parse(file);
}

TEST(Optimizer, TenStepsEqualPyTorchInDouble) {
  const Json document = ReadGolden("optimizer.json");
  ASSERT_EQ(document["cases"].size(), 14u);
  for (const Json& golden : document["cases"]) {
    CompareWithGolden(document, golden, DataType::kDouble, 1e-14);
  }
}

TEST(Optimizer, TenStepsEqualPyTorchInFloat) {
  const Json document = ReadGolden("optimizer.json");
  for (const Json& golden : document["cases"]) {
    CompareWithGolden(document, golden, DataType::kFloat, 1e-6);
  }
}

TEST(Optimizer, ScalesThenClampsTheGradient) {
  UpdateCase update{"SgdUpdate", {{"clip_value", 0.5}}, {false}};
  auto session = Session::Create(UpdateGraph(update, Typed({1, 1, 1}, DataType::kFloat), true),
                                 std::make_shared<StateStore>());
  ASSERT_TRUE(session.ok()) << session.status();
  ASSERT_TRUE((*session)
                  ->Run({Typed({0.5, 8, -8}, DataType::kFloat), Tensor::Scalar<double>(1),
                         Tensor::Scalar<int64_t>(1), Tensor::Scalar<double>(0.25)})
                  .ok());
  EXPECT_EQ(*NumericElements(*(*session)->store().Read("parameter")),
            std::vector<double>({0.875, 0.5, 1.5}));
}

// norm and scale of two gradients
std::vector<double> Clip(const std::vector<float>& a, const std::vector<double>& b,
                         double max_norm) {
  Graph graph;
  const ValueId first = graph.AddInput("a", {DataType::kFloat, std::nullopt});
  const ValueId second = graph.AddInput("b", {DataType::kDouble, std::nullopt});
  const ValueId norm = (*AppendNode(
      graph, Node{"norm", std::string(kStropDomain), "GradientNorm", {}, {first, second}}, 1))[0];
  const ValueId scale = (*AppendNode(
      graph,
      Node{"scale", std::string(kStropDomain), "ClipScale", {{"max_norm", max_norm}}, {norm}},
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
