#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "ops/core/gradient_context.h"
#include "ops/core/kernel.h"
#include "ops/core/operator_facts.h"
#include "ops/core/type_context.h"

namespace strop {

// Whether a gradient flows through an input.
enum class Differentiability {
  kDifferentiable,     // the gradient rule serves it
  kNotDifferentiable,  // the function is constant in it almost everywhere, or it is no number
  kNotImplemented,     // it has a gradient that is not written yet: an error, never a zero
};

// How an input is used, where it is not simply read.
enum class InputUse {
  kElements,   // read by the kernel
  kShapeOnly,  // only its shape matters: its buffer need not live, the kernel sees null
};

// One operator: everything that is known of it. Code outside ops/ never asks for the op's name.
// Lists indexed by input repeat their last entry for further inputs (variadic operators).
struct OpDefinition {
  std::string_view name;
  std::string_view domain = "";

  // The ONNX opset whose meaning this definition implements; the importer upgrades older nodes.
  int since_version = 1;

  int minimum_inputs = 1;
  int maximum_inputs = 1;  // kVariadic for any number
  int minimum_outputs = 1;
  // Outputs beyond ONNX's own, which only gradient rules ask for (saved statistics), count too.
  int maximum_outputs = 1;

  // Refuses what the attributes must not contain. Null when there are none to check.
  absl::Status (*check_attributes)(const Node& node) = nullptr;

  // Sets the outputs' element types from the inputs'. Default: all as input 0.
  absl::Status (*element_types)(ElementTypeContext& context) = SameElementTypeAsInput0;

  // Sets the outputs' shapes; every input shape is fully known.
  absl::Status (*shapes)(ShapeContext& context) = SameShapeAsInput0;

  std::vector<Differentiability> differentiability = {Differentiability::kNotDifferentiable};

  // Emits the nodes of the vector–Jacobian product. Null when no input is differentiable.
  absl::Status (*gradient)(GradientContext& context) = nullptr;

  // In order of preference; the last is the generic kernel, which defines the op.
  std::vector<KernelFactory> kernels;

  // Inputs broadcast against each other as in NumPy: the walker sums gradients back to the input.
  bool broadcasts = false;

  // Output 0 is input 0's bytes under another shape; there is nothing to run.
  bool is_view = false;

  // Output 0 equals input 0 whenever their shapes agree (Expand, SumToLike): the planner then drops
  // the node. Input 0 must be the only one whose elements matter.
  bool is_identity_at_same_shape = false;

  // Pairs (input, output) that may share a buffer when type, size and layout agree.
  std::vector<std::pair<int, int>> in_place = {};

  std::vector<InputUse> input_use = {InputUse::kElements};

  // Draws random numbers: never folded, never merged with an equal node.
  bool is_random = false;

  // What its floating constants are, in the order of the inputs; an operator with a role whose
  // constants are trained is a layer (tests/ops/registry_test.cc says what a layer must have).
  std::vector<InputRole> roles = {};
  Combination combination = Combination::kNone;
  ElementMove element_move = ElementMove::kNone;
  // Output 0 is input 0 in another element type.
  bool is_cast = false;
  // Output 0 is input 0 with its numbers kept within bounds.
  bool is_clamp = false;

  // Additions and multiplications of one execution where every shape is known. Null where bytes
  // say it all.
  double (*operations)(const Graph& graph, const Node& node) = nullptr;

  // The axes of the weight of rank `rank` that enters as `input` which number the units that it
  // makes; empty where it makes none.
  Shape (*unit_axes)(const Node& node, size_t input, size_t rank) = nullptr;
  // Where those units lie in output 0.
  UnitAxis output_units = UnitAxis::kUnsaid;

  // How it multiplies with a weight. Null where it does not, or not with one.
  LinearLayer (*linear_layer)(const Node& node) = nullptr;

  std::optional<OutputWatch> watch = std::nullopt;
  TrainingBehavior training_behavior = TrainingBehavior::kNone;
  ProbabilityActivation probability_activation = ProbabilityActivation::kNone;

  // The axis of input 0 that counts time steps. Null where none does.
  size_t (*time_axis)(const Node& node) = nullptr;

  // How many rows the integers of `input` number; 0 where they number none.
  int64_t (*index_range)(const Graph& graph, const Node& node, size_t input) = nullptr;

  // What other runtimes compute otherwise of the node, in one line; empty where nothing.
  std::string (*runtime_difference)(const Graph& graph, const Node& node) = nullptr;

  Differentiability differentiability_of(size_t input) const;
  // Null where the input has no role.
  const InputRole* role_of(size_t input) const;
  // Whether a constant that it reads is a trained parameter.
  bool is_layer() const;
  InputUse use_of(size_t input) const;
};

inline constexpr int kVariadic = 1 << 30;

// The ops of one family: one source file.
struct OpFamily {
  std::string_view name;
  std::vector<OpDefinition> definitions;
};

}  // namespace strop
