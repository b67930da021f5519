#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "graph/graph.h"
#include "importer/importer.h"
#include "plugin/engine/passes/passes.h"

namespace strop {

inline constexpr Pass kQuantize = {
    .name = "quantize", .why = "--quantize trains with rounded numbers.", .is_optional = false};

// What is quantized, and how the ranges of activations are found.
struct QuantizationOptions {
  // Weight of a new observation: torch.ao's averaging_constant.
  double averaging_constant = 0.01;
  std::vector<std::string> exclude;  // globs on names of nodes that stay floating
};

// A weight in int8, symmetric, −127 to 127, one scale an index of `axis`, its output channels.
struct QuantizedWeight {
  std::string name;
  int64_t axis = 0;
};

// Where the model rounds, by the names of its tensors.
struct QuantizationSites {
  std::vector<QuantizedWeight> weights;
  std::vector<std::string> activations;  // in uint8, one scale and zero point a tensor
  // Layers that stay floating because they stand in functions, which the file keeps and where it
  // could say nothing: their number by the name of the function that the main graph calls.
  std::map<std::string, int> in_functions;
};

// Lets the model compute as integer kernels will: the constant weights of Conv, Gemm and MatMul
// pass through FakeQuantize with the scale of their largest elements, so do the activations that
// these read, and what a Conv (with its Relu or Clip) gives. The ranges of activations are states
// called
// "<tensor>/minimum" and "<tensor>/maximum", empty until a training has moved them
// (SetQuantizationMode). Only what the exported file can express is rounded: weights that it stores
// and layers of its main graph. InvalidArgument when nothing is to be quantized.
absl::StatusOr<QuantizationSites> QuantizeModel(ImportedModel& model,
                                                const QuantizationOptions& options,
                                                const PlanOptions& plan);

// Whether the ranges of activations move with what the model sees; states follow only then.
void SetQuantizationMode(Graph& graph, bool is_training);

}  // namespace strop
