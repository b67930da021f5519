#pragma once

// Facts of operators that others than the engine ask for: what their constants are, what is watched
// of them, how they multiply. An OpDefinition holds them; the operator that lacks one says nothing.

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>

namespace strop {

// What a floating constant is to the operator that reads it.
enum class ConstantUse { kTrained, kStatistics, kFrozen };

// What a floating constant is that enters as `input`.
struct InputRole {
  size_t input = 0;
  std::string_view noun;  // "weight", "bias", …, as `strop inspect` says it
  ConstantUse use = ConstantUse::kTrained;
  // Of constants alone the operator makes another constant, whose readers say what it is.
  bool is_passage = false;
};

// How the elements of output 0 come from those of input 0 alone; other inputs say no more than
// where to.
enum class ElementMove {
  kNone,
  kReordered,  // all, once each: a view, a transpose
  kSelected,   // some, or several times
};

// How a constant is combined with an activation.
enum class Combination {
  kNone,
  kSum,
  kDifference,
  kProduct,  // or quotient
  kConcatenation,
};

// What training does with the operator besides running it.
enum class TrainingBehavior {
  kNone,
  kBatchStatistics,  // training_mode normalizes by the batch and moves running statistics
  kDropsElements,    // input 2 (training_mode) decides
};

// The activation of an output that a loss applies itself.
enum class ProbabilityActivation { kNone, kSigmoid, kSoftmax };

// What is worth measuring of an operator's output while it trains.
struct OutputWatch {
  // Rectifiers, whose units can be 0 for every sample: no gradient reaches them any more.
  bool can_die = false;
  // Outputs beyond these are where the slope is below a tenth of its maximum.
  double saturated_below = -std::numeric_limits<double>::infinity();
  double saturated_above = std::numeric_limits<double>::infinity();

  bool can_saturate() const { return saturated_above < std::numeric_limits<double>::infinity(); }
};

// A sigmoid's, and of what comes close to it: y(1 - y) < 0.25 / 10 outside.
inline constexpr OutputWatch kSigmoidWatch = {.saturated_below = 0.02566,
                                              .saturated_above = 1 - 0.02566};

// Where the units of output 0, its channels or neurons, lie.
enum class UnitAxis { kUnsaid, kOne, kLast };

// A layer output = gain · input 0 · weight + bias whose weight is input 1.
struct LinearLayer {
  enum class Weight {
    kInputsByOutputs,
    kOutputsByInputs,
    kFilters,  // [outputs, inputs / groups, kernel…]
  };
  Weight weight = Weight::kInputsByOutputs;
  double gain = 1;
  int64_t groups = 1;

  friend bool operator==(const LinearLayer&, const LinearLayer&) = default;
};
inline constexpr size_t kLinearWeight = 1;

}  // namespace strop
