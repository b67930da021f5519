#pragma once

#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "ops/core/gradient_context.h"
#include "ops/core/kernel.h"
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

// One operator: everything the engine knows of it. Core code never asks for the op's name.
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

  Differentiability differentiability_of(size_t input) const;
  InputUse use_of(size_t input) const;
};

inline constexpr int kVariadic = 1 << 30;

// The ops of one family: one source file.
struct OpFamily {
  std::string_view name;
  std::vector<OpDefinition> definitions;
};

}  // namespace strop
