#include "plugin/training/optimization/parameter_groups.h"

#include <gtest/gtest.h>

#include "plugin/training/run/trainer.h"
#include "tests/training/toy_model.h"

namespace strop {
namespace {

// A step of gradient descent moves a parameter by rate·(gradient + decay·parameter): how far each
// parameter moves with options of groups, in relation to the step without any.
class Moves {
 public:
  explicit Moves(const ParameterGroupOptions& groups, double weight_decay = 0) {
    const std::map<std::string, std::vector<double>> plain = StepOf({}, weight_decay);
    const std::map<std::string, std::vector<double>> grouped = StepOf(groups, weight_decay);
    for (const auto& [name, moves] : plain) {
      for (size_t i = 0; i < moves.size(); ++i) {
        difference_[name] = std::max(difference_[name], std::abs(grouped.at(name)[i] - moves[i]));
        ratio_[name] = grouped.at(name)[i] / moves[i];
      }
    }
  }

  double ratio(const std::string& name) const { return ratio_.at(name); }
  double difference(const std::string& name) const { return difference_.at(name); }

 private:
  static std::map<std::string, std::vector<double>> StepOf(const ParameterGroupOptions& groups,
                                                           double weight_decay) {
    TrainingOptions options;
    options.graph.optimizer = *OptimizerOptionsOf("sgd");
    options.graph.optimizer.weight_decay = weight_decay;
    options.graph.groups = groups;
    options.learning_rate = 0.5;
    options.steps = 1;
    const auto trainer = *Trainer::Create(ToyClassifier(), options, Moons(32, 1), nullptr);
    std::map<std::string, std::vector<double>> moves;
    for (const std::string& name : trainer->trained()) {
      moves[name] = *NumericElements(*trainer->store()->Read(name));
    }
    EXPECT_TRUE(trainer->Run().ok());
    for (auto& [name, numbers] : moves) {
      const std::vector<double> after = *NumericElements(*trainer->store()->Read(name));
      for (size_t i = 0; i < numbers.size(); ++i) numbers[i] = after[i] - numbers[i];
    }
    return moves;
  }

  std::map<std::string, double> ratio_;
  std::map<std::string, double> difference_;
};

TEST(ParameterGroups, TheFirstMatchGivesItsRate) {
  const Moves moves({.groups = {{"w1", 0.25, {}}, {"w*", 0, {}}}});
  EXPECT_NEAR(moves.ratio("w1"), 0.25, 1e-4);
  EXPECT_EQ(moves.ratio("w2"), 0);
  EXPECT_EQ(moves.ratio("b1"), 1);
}

TEST(ParameterGroups, HaveTheirOwnDecay) {
  const Moves moves({.groups = {{"w2", 1, 0.0}}}, 0.1);
  EXPECT_GT(moves.difference("w2"), 1e-3);
  EXPECT_EQ(moves.difference("w1"), 0);
  EXPECT_EQ(moves.difference("b2"), 0);
}

TEST(ParameterGroups, NormsAndBiasesDecayOnlyWhereTheirGroupSaysSo) {
  ImportedModel model = ToyClassifier();
  for (Parameter& parameter : model.parameters)
    parameter.is_norm_or_bias = parameter.name[0] == 'b';
  std::vector<ParameterGradient> parameters;
  for (const Parameter& parameter : model.parameters) {
    parameters.push_back({.parameter = parameter.value});
  }
  ParameterGroupOptions options;
  options.no_decay_norms_and_biases = true;
  options.groups = {{"b2", 1, 0.5}};
  const ValueId rate = model.graph.AddInput("rate", {DataType::kDouble, Shape{}});
  ASSERT_TRUE(ApplyParameterGroups(model.graph, model, options, rate, parameters).ok());
  EXPECT_EQ(parameters[0].weight_decay, std::nullopt);
  EXPECT_EQ(parameters[1].weight_decay, 0.0);
  EXPECT_EQ(parameters[2].weight_decay, std::nullopt);
  EXPECT_EQ(parameters[3].weight_decay, 0.5);
}

TEST(ParameterGroups, LayersDecayTowardsTheInput) {
  const std::map<std::string, int> expected = {{"w1", 1}, {"b1", 1}, {"w2", 2}, {"b2", 2}};
  EXPECT_EQ(LayersOfParameters(ToyClassifier()), expected);
  const Moves moves({.layer_decay = 0.5});
  EXPECT_NEAR(moves.ratio("w1"), 0.5, 1e-4);
  EXPECT_NEAR(moves.ratio("b1"), 0.5, 1e-4);
  EXPECT_EQ(moves.ratio("w2"), 1);
}

TEST(ParameterGroups, RefusesWhatMatchesNothingOrMakesNoSense) {
  const auto refuses = [](const ParameterGroupOptions& groups) {
    TrainingOptions options;
    options.graph.groups = groups;
    return Trainer::Create(ToyClassifier(), options, Moons(8, 1), nullptr).status().code() ==
           absl::StatusCode::kInvalidArgument;
  };
  EXPECT_FALSE(refuses({}));
  EXPECT_TRUE(refuses({.groups = {{"conv*", 1, {}}}}));
  EXPECT_TRUE(refuses({.groups = {{"w1", -1, {}}}}));
  EXPECT_TRUE(refuses({.layer_decay = 0}));
}

}  // namespace
}  // namespace strop
