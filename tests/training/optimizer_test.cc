#include "plugin/training/optimization/optimizer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>

#include "plugin/engine/runtime/session.h"

namespace strop {
namespace {

using Json = nlohmann::json;

// The reference's options, on top of the optimizer's defaults here.
OptimizerOptions OptionsOf(const Json& golden) {
  static const std::map<std::string, double OptimizerOptions::*> kNumbers = {
      {"momentum", &OptimizerOptions::momentum},
      {"dampening", &OptimizerOptions::dampening},
      {"weight_decay", &OptimizerOptions::weight_decay},
      {"alpha", &OptimizerOptions::alpha},
      {"rho", &OptimizerOptions::rho},
      {"eps", &OptimizerOptions::epsilon},
      {"lr_decay", &OptimizerOptions::learning_rate_decay},
      {"initial_accumulator_value", &OptimizerOptions::initial_accumulator_value},
      {"momentum_decay", &OptimizerOptions::momentum_decay},
      {"trust_coeff", &OptimizerOptions::trust_coefficient},
  };
  static const std::map<std::string, bool OptimizerOptions::*> kFlags = {
      {"nesterov", &OptimizerOptions::nesterov},
      {"centered", &OptimizerOptions::centered},
      {"amsgrad", &OptimizerOptions::amsgrad},
      {"decoupled_weight_decay", &OptimizerOptions::decoupled_weight_decay},
  };
  OptimizerOptions options = *OptimizerOptionsOf(golden["optimizer"].get<std::string>());
  for (const auto& [name, value] : golden["options"].items()) {
    if (name == "lr") continue;
    if (name == "betas") {
      options.beta1 = value[0];
      options.beta2 = value[1];
    } else if (kFlags.contains(name)) {
      options.*kFlags.at(name) = value;
    } else {
      options.*kNumbers.at(name) = value;
    }
  }
  return options;
}

// A parameter under an optimizer: inputs gradient, learning rate, step; the state is updated.
std::unique_ptr<Session> MakeSession(const OptimizerOptions& options, const Tensor& initial) {
  Graph graph;
  const ValueId parameter = graph.AddState("parameter", initial);
  const ValueId gradient = graph.AddInput("gradient", {initial.type(), initial.shape()});
  const ValueId rate = graph.AddInput("learning_rate", {DataType::kDouble, Shape{}});
  const ValueId step = graph.AddInput("step", {DataType::kInt64, Shape{}});
  const ValueId loss = graph.AddInput("loss", {DataType::kFloat, Shape{}});
  const auto outputs = AddOptimizer(graph, options, {{parameter, gradient}}, rate, step, loss);
  EXPECT_TRUE(outputs.ok()) << outputs.status();
  graph.outputs = outputs->health;
  auto session =
      Session::Create(std::move(graph), std::make_shared<StateStore>(), {.verify = true});
  EXPECT_TRUE(session.ok()) << session.status();
  return *std::move(session);
}

void Step(Session& session, const Tensor& gradient, double learning_rate, int64_t step,
          float loss = 1) {
  const auto result = session.Run({gradient, Tensor::Scalar<double>(learning_rate),
                                   Tensor::Scalar<int64_t>(step), Tensor::Scalar<float>(loss)});
  ASSERT_TRUE(result.ok()) << result.status();
}

std::vector<double> ParameterOf(const Session& session) {
  return *NumericElements(*session.store().Read("parameter"));
}

Tensor Typed(const std::vector<double>& numbers, DataType type) {
  const auto count = static_cast<int64_t>(numbers.size());
  return *ConvertTensor(Tensor::FromVector<double>({count}, numbers), type);
}

void CompareWithGolden(const Json& document, const Json& golden, DataType type, double tolerance) {
  SCOPED_TRACE(golden["name"].get<std::string>());
  const auto session = MakeSession(OptionsOf(golden), Typed(golden["initial"], type));
  const Json& expected = golden[type == DataType::kDouble ? "double" : "float"];
  for (size_t step = 0; step < expected.size(); ++step) {
    Step(*session, Typed(document["gradients"][step], type), golden["options"]["lr"],
         static_cast<int64_t>(step) + 1);
    const std::vector<double> found = ParameterOf(*session);
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

TEST(Optimizer, TenStepsEqualTheReferenceInDouble) {
  const Json document = ReadGolden("optimizer.json");
  ASSERT_EQ(document["cases"].size(), 35u);
  for (const Json& golden : document["cases"]) {
    CompareWithGolden(document, golden, DataType::kDouble, 1e-14);
  }
}

TEST(Optimizer, TenStepsEqualTheReferenceInFloat) {
  const Json document = ReadGolden("optimizer.json");
  for (const Json& golden : document["cases"]) {
    CompareWithGolden(document, golden, DataType::kFloat, 1e-6);
  }
}

TEST(Optimizer, ScalesThenClampsTheGradient) {
  // The norm of all gradients is 16, and 0.25 of each is taken.
  OptimizerOptions options;
  options.clip_norm = 4 * (16 + 1e-6) / 16;
  options.clip_value = 0.5;
  const double large = std::sqrt((256 - 0.25) / 2);
  const auto session = MakeSession(options, Typed({1, 1, 1}, DataType::kDouble));
  Step(*session, Typed({0.5, large, -large}, DataType::kDouble), 1, 1);
  const std::vector<double> found = ParameterOf(*session);
  EXPECT_NEAR(found[0], 0.875, 1e-12);
  EXPECT_EQ(found[1], 0.5);
  EXPECT_EQ(found[2], 1.5);
}

// The norms of LAMB and LARS are those of the whole parameter, however many threads sum it up.
TEST(Optimizer, SumsNormsOverManyBlocks) {
  constexpr int64_t kCount = 100000;
  for (const char* name : {"lamb", "lars"}) {
    SCOPED_TRACE(name);
    OptimizerOptions options = *OptimizerOptionsOf(name);
    options.weight_decay = 0;
    options.epsilon = 0;
    options.momentum = 0;
    options.trust_coefficient = 1;
    const auto session =
        MakeSession(options, Typed(std::vector<double>(kCount, 2.0), DataType::kFloat));
    Step(*session, Typed(std::vector<double>(kCount, 0.5), DataType::kFloat), 0.25, 1);
    // ‖p‖/‖u‖·u = p, as all elements are equal.
    for (const double element : ParameterOf(*session)) ASSERT_NEAR(element, 1.5, 1e-6);
  }
}

double StepHealth(Session& session, const Tensor& gradient, int64_t step) {
  const auto result = session.Run({gradient, Tensor::Scalar<double>(0.1),
                                   Tensor::Scalar<int64_t>(step), Tensor::Scalar<float>(1)});
  EXPECT_TRUE(result.ok()) << result.status();
  return (*result)[0].elements<double>()[0];
}

// The blocks that a bad gradient lies in stay as they are, moments too; that of a norm, all do.
TEST(Optimizer, LeavesOutAGradientThatIsNotFinite) {
  constexpr size_t kCount = 40000;
  constexpr size_t kBad = 20000;
  const std::vector<double> first(kCount, 1.0);
  for (const std::string& name : OptimizerNames()) {
    for (const double bad : {std::nan(""), std::numeric_limits<double>::infinity()}) {
      SCOPED_TRACE(name);
      std::vector<double> gradient(kCount, 0.5);
      const auto session = MakeSession(*OptimizerOptionsOf(name), Typed(first, DataType::kFloat));
      EXPECT_EQ(StepHealth(*session, Typed(gradient, DataType::kFloat), 1), 1);
      const std::vector<double> once = ParameterOf(*session);
      gradient[kBad] = bad;
      EXPECT_TRUE(std::isnan(StepHealth(*session, Typed(gradient, DataType::kFloat), 2)));
      const std::vector<double> twice = ParameterOf(*session);
      EXPECT_EQ(twice[kBad], once[kBad]);
      EXPECT_EQ(twice[kBad + 1], once[kBad + 1]);
      const bool needs_norms = name == "lamb" || name == "lars";
      EXPECT_EQ(twice[0] == once[0], needs_norms);
      for (const std::string& state : session->store().Names()) {
        const std::vector<double> elements = *NumericElements(*session->store().Read(state));
        for (const double element : elements) {
          ASSERT_TRUE(std::isfinite(element)) << state;
        }
      }
    }
  }
}

// As torch.nn.utils.clip_grad_value_ does.
TEST(Optimizer, ClampsAnInfiniteGradient) {
  OptimizerOptions options;
  options.clip_value = 0.5;
  const auto session = MakeSession(options, Typed({1, 1}, DataType::kFloat));
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(StepHealth(*session, Typed({infinity, -infinity}, DataType::kFloat), 1), 1);
  EXPECT_NEAR(ParameterOf(*session)[0], 0.95, 1e-6);
  EXPECT_NEAR(ParameterOf(*session)[1], 1.05, 1e-6);
  EXPECT_TRUE(std::isnan(StepHealth(*session, Typed({std::nan(""), 0}, DataType::kFloat), 2)));
}

TEST(Optimizer, LeavesOutAStepWithoutAFiniteLoss) {
  for (const std::string& name : OptimizerNames()) {
    SCOPED_TRACE(name);
    const Tensor gradient = Typed({3, -1}, DataType::kFloat);
    const auto all = MakeSession(*OptimizerOptionsOf(name), Typed({1, 2}, DataType::kFloat));
    const auto with_bad = MakeSession(*OptimizerOptionsOf(name), Typed({1, 2}, DataType::kFloat));
    Step(*all, gradient, 0.1, 1);
    Step(*all, gradient, 0.1, 2);
    Step(*with_bad, gradient, 0.1, 1);
    Step(*with_bad, Typed({std::nan(""), 5}, DataType::kFloat), 0.1, 2, std::nanf(""));
    Step(*with_bad, gradient, 0.1, 2);
    EXPECT_EQ(ParameterOf(*with_bad), ParameterOf(*all));
  }
}

}  // namespace
}  // namespace strop
