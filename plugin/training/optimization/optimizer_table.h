#pragma once

#include <algorithm>
#include <iterator>
#include <string_view>

namespace strop {

// Names and meanings are torch.optim's, or the paper's; an option that the optimizer does not have
// is ignored. The defaults here are those of most, OptimizerOptionsOf knows each one's.
struct OptimizerOptions {
  std::string_view optimizer = "sgd";  // a name of kOptimizers
  double momentum = 0;
  double dampening = 0;
  bool nesterov = false;
  double weight_decay = 0;              // decoupled for AdamW, Lion and LAMB
  bool decoupled_weight_decay = false;  // of NAdam and RAdam
  double alpha = 0.99;
  bool centered = false;
  double rho = 0.9;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  bool amsgrad = false;
  double learning_rate_decay = 0;        // torch.optim.Adagrad's lr_decay
  double initial_accumulator_value = 0;  // of Adagrad
  double momentum_decay = 4e-3;          // of NAdam
  double trust_coefficient = 1e-3;       // of LARS
  double clip_norm = 0;                  // of all gradients together; 0: no clipping
  double clip_value = 0;                 // of each element, after clip_norm; 0: no clipping
};

// ---- What there is to set

enum class OptionRange {
  kAny,
  kFromZero,  // finite
  kFraction,  // from 0 to below 1
};

// Whom an option tells its value.
enum class OptionUse {
  kAttribute,  // the update operator, as the attribute of the option's name
  kMoments,    // the moments: whether one is kept, or where one begins
};

template <typename Field>
struct OptimizerSetting {
  std::string_view name;  // words joined by _
  Field OptimizerOptions::*field;
  std::string_view meaning;  // empty where the name says it
  OptionRange range = OptionRange::kAny;
  OptionUse use = OptionUse::kAttribute;
};

inline constexpr OptimizerSetting<double> kOptimizerNumbers[] = {
    {"momentum", &OptimizerOptions::momentum, "", OptionRange::kFromZero},
    {"dampening", &OptimizerOptions::dampening, ""},
    {"weight_decay", &OptimizerOptions::weight_decay,
     "Decoupled for adamw, lion and lamb, L2 for the others", OptionRange::kFromZero},
    {"alpha", &OptimizerOptions::alpha, "decay of the squares", OptionRange::kFromZero},
    {"rho", &OptimizerOptions::rho, "decay of the squares", OptionRange::kFraction},
    {"beta1", &OptimizerOptions::beta1, "decay of the mean", OptionRange::kFraction},
    {"beta2", &OptimizerOptions::beta2, "decay of the squares; lion: of the mean that is kept",
     OptionRange::kFraction},
    {"epsilon", &OptimizerOptions::epsilon, "added to divisors", OptionRange::kFromZero},
    {"learning_rate_decay", &OptimizerOptions::learning_rate_decay, "PyTorch's lr_decay",
     OptionRange::kFromZero},
    {"initial_accumulator_value", &OptimizerOptions::initial_accumulator_value,
     "first sum of squares", OptionRange::kFromZero, OptionUse::kMoments},
    {"momentum_decay", &OptimizerOptions::momentum_decay, "", OptionRange::kFromZero},
    {"trust_coefficient", &OptimizerOptions::trust_coefficient,
     "size of a step over the size of the weights", OptionRange::kFromZero},
};

inline constexpr OptimizerSetting<bool> kOptimizerFlags[] = {
    {"nesterov", &OptimizerOptions::nesterov, ""},
    {"centered", &OptimizerOptions::centered, "divide by the deviation", OptionRange::kAny,
     OptionUse::kMoments},
    {"amsgrad", &OptimizerOptions::amsgrad, "never let the squares shrink", OptionRange::kAny,
     OptionUse::kMoments},
    {"decoupled_weight_decay", &OptimizerOptions::decoupled_weight_decay, "decay as adamw does"},
};

// ---- What there is to choose

// A state of the parameter's shape beside each parameter.
struct Moment {
  std::string_view name;         // PyTorch's
  std::string_view kept_with;    // the option that has to be on, or not 0; empty: always kept
  std::string_view first_value;  // the option of its elements before the first step; empty: 0
};

struct OptimizerNumber {
  std::string_view option;
  double initial;
};

// An optimizer by name, with the defaults that it is published with. Lists end with the array or
// an entry without a name.
struct OptimizerRow {
  std::string_view name;
  std::string_view update;  // the operator of ops/training/ that makes one step
  double learning_rate = 1e-3;
  OptimizerNumber numbers[5] = {};  // besides the weight decay, which all have
  std::string_view flags[2] = {};   // all off at first
  Moment moments[3] = {};
  double weight_decay = 0;
  bool is_decoupled = false;  // tells the update operator that decoupled_weight_decay is on

  constexpr bool has(std::string_view option) const {
    return option == "weight_decay" || std::count(std::begin(flags), std::end(flags), option) > 0 ||
           std::any_of(std::begin(numbers), std::end(numbers),
                       [&](const OptimizerNumber& number) { return number.option == option; });
  }
};

inline constexpr Moment kMomentumBuffer = {"momentum_buffer", "momentum"};

inline constexpr OptimizerRow kOptimizers[] = {
    {.name = "gd", .update = "SgdUpdate"},
    {.name = "sgd",  // torch.optim.SGD
     .update = "SgdUpdate",
     .numbers = {{"momentum", 0}, {"dampening", 0}},
     .flags = {"nesterov"},
     .moments = {kMomentumBuffer}},
    {.name = "momentum",
     .update = "SgdUpdate",
     .numbers = {{"momentum", 0.9}, {"dampening", 0}},
     .flags = {"nesterov"},
     .moments = {kMomentumBuffer}},
    {.name = "rmsprop",
     .update = "RmsPropUpdate",
     .numbers = {{"momentum", 0}, {"alpha", 0.99}, {"epsilon", 1e-8}},
     .flags = {"centered"},
     .moments = {{"square_avg"}, {"grad_avg", "centered"}, kMomentumBuffer}},
    {.name = "adagrad",
     .update = "AdagradUpdate",
     .learning_rate = 1e-2,
     .numbers = {{"epsilon", 1e-10}, {"learning_rate_decay", 0}, {"initial_accumulator_value", 0}},
     .moments = {{"sum", "", "initial_accumulator_value"}}},
    {.name = "adadelta",
     .update = "AdadeltaUpdate",
     .learning_rate = 1,
     .numbers = {{"rho", 0.9}, {"epsilon", 1e-6}},
     .moments = {{"square_avg"}, {"acc_delta"}}},
    {.name = "adam",
     .update = "AdamUpdate",
     .numbers = {{"beta1", 0.9}, {"beta2", 0.999}, {"epsilon", 1e-8}},
     .flags = {"amsgrad"},
     .moments = {{"exp_avg"}, {"exp_avg_sq"}, {"max_exp_avg_sq", "amsgrad"}}},
    {.name = "adamw",
     .update = "AdamUpdate",
     .numbers = {{"beta1", 0.9}, {"beta2", 0.999}, {"epsilon", 1e-8}},
     .flags = {"amsgrad"},
     .moments = {{"exp_avg"}, {"exp_avg_sq"}, {"max_exp_avg_sq", "amsgrad"}},
     .weight_decay = 0.01,
     .is_decoupled = true},
    {.name = "nadam",
     .update = "NAdamUpdate",
     .learning_rate = 2e-3,
     .numbers = {{"beta1", 0.9}, {"beta2", 0.999}, {"epsilon", 1e-8}, {"momentum_decay", 4e-3}},
     .flags = {"decoupled_weight_decay"},
     .moments = {{"exp_avg"}, {"exp_avg_sq"}}},
    {.name = "radam",
     .update = "RAdamUpdate",
     .numbers = {{"beta1", 0.9}, {"beta2", 0.999}, {"epsilon", 1e-8}},
     .flags = {"decoupled_weight_decay"},
     .moments = {{"exp_avg"}, {"exp_avg_sq"}}},
    {.name = "lion",  // Chen et al. 2023, "Symbolic Discovery of Optimization Algorithms"
     .update = "LionUpdate",
     .learning_rate = 1e-4,
     .numbers = {{"beta1", 0.9}, {"beta2", 0.99}},
     .moments = {{"exp_avg"}}},
    {.name = "lamb",  // You et al. 2020, "Large Batch Optimization for Deep Learning"
     .update = "LambUpdate",
     .numbers = {{"beta1", 0.9}, {"beta2", 0.999}, {"epsilon", 1e-6}},
     .moments = {{"exp_avg"}, {"exp_avg_sq"}},
     .weight_decay = 0.01},
    {.name = "lars",  // You et al. 2017, "Large Batch Training of Convolutional Networks"
     .update = "LarsUpdate",
     .learning_rate = 1,
     .numbers =
         {{"momentum", 0.9}, {"dampening", 0}, {"trust_coefficient", 1e-3}, {"epsilon", 1e-8}},
     .flags = {"nesterov"},
     .moments = {kMomentumBuffer}},
};

}  // namespace strop
