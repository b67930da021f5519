#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "importer/importer.h"
#include "plugin/engine/passes/passes.h"
#include "plugin/training/graph/lora_target.h"

namespace strop {

inline constexpr Pass kAddLora = {
    .name = "add-lora", .why = "--lora trains adapters of layers.", .is_optional = false};

// Low-rank adaptation (Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", 2021).
// Names, meanings and defaults are PEFT's LoraConfig.
struct LoraOptions {
  std::vector<std::string> patterns;  // see FindLoraTargets; empty: no adapters
  int64_t rank = 8;
  double alpha = 16;
  double dropout = 0;            // of each adapter's input, while the model trains
  bool rank_stabilized = false;  // scale by alpha/√rank (Kalajdzievski 2023), not alpha/rank
};

// The adapter of one weight W. A is [rank, in] or, of a Conv, [rank, in/groups, kernel…]; B is
// [out, rank] or [out, rank/groups, 1…]. The layer computes y = op(x, W) +
// scaling·op_B(op_A(dropout(x))).
struct LoraAdapter {
  std::string parameter;  // Parameter::name of W
  std::string weight;     // names of the states: W's own,
  std::string a;          // "<weight>/lora_A",
  std::string b;          // "<weight>/lora_B"
  // Its gain multiplies the adapter's part too; its groups are those of W, A and B alike.
  LinearLayer layer;
  double scaling = 1;
  std::vector<std::string> nodes;    // names of the layer's nodes,
  std::vector<std::string> outputs;  // and of what they compute, adapter included
};

struct LoraAdapters {
  std::vector<LoraAdapter> adapters;
  std::vector<LoraObstacle> left_out;  // see FindLoraTargets
};

// Marks the Dropout of an adapter's input, which --dropout does not mean.
inline constexpr std::string_view kLoraDropoutAttribute = "is_lora";

// Gives the model's layers adapters, in the graph and as parameters behind the model's own. The
// model's other tensors are frozen, but for what `selection.train` names and a new head. A is
// uniform in ±1/√(its inputs), Kaiming's with a = √5, and a function of the seed and of the
// weight's place in the file; B is zero, so that the model computes what it did before.
// InvalidArgument when an option makes no sense or a pattern cannot be honoured.
absl::StatusOr<LoraAdapters> AddLora(ImportedModel& model, const LoraOptions& options,
                                     const ParameterSelection& selection, uint64_t seed,
                                     const PlanOptions& plan);

// W + scaling·B·A in W's own type and layout; the sum is made in double.
absl::StatusOr<Tensor> MergeLora(const LoraAdapter& adapter, const Tensor& weight, const Tensor& a,
                                 const Tensor& b);

}  // namespace strop
