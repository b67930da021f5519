#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "importer/importer.h"

namespace strop {

// How a weight lies in memory.
enum class LoraLayout {
  kOutputsByInputs,  // [out, in]: PyTorch's Linear; Gemm with transB, MatMul behind a Transpose
  kInputsByOutputs,  // [in, out]: MatMul, Gemm without transB
  kConvolution,      // [out, in, kernel…], one group
};

// A weight that can have an adapter, and the nodes that multiply with it.
struct LoraTarget {
  size_t parameter = 0;  // index into ImportedModel::parameters
  LoraLayout layout = LoraLayout::kOutputsByInputs;
  std::vector<size_t> nodes;  // indices into the graph's nodes, in their order
  double gain = 1;            // Gemm's alpha, of all nodes alike
};

// The weights of Gemm, MatMul and Conv whose tensor or node matches one of `patterns` (globs), in
// the file's order. What `--train` trains whole and what `--freeze` keeps is left out. The pattern
// "*" means those that can have an adapter; InvalidArgument when another pattern matches one that
// cannot, or matches nothing.
absl::StatusOr<std::vector<LoraTarget>> FindLoraTargets(const ImportedModel& model,
                                                        const std::vector<std::string>& patterns,
                                                        const ParameterSelection& selection);

}  // namespace strop
