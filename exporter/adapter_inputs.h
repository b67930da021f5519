#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "graph/tensor_type.h"
#include "importer/model_file.h"

namespace strop {

// A low-rank adapter as a file's graph is to compute it: output + second(first(x)) in the place of
// a Gemm's, MatMul's or Conv's output.
struct AdapterInput {
  std::string first;  // names of the new inputs: [in, rank], of a Conv [rank, in/groups, kernel…]
  std::string second;  // [rank, out], of a Conv [out, rank/groups, 1…]; scaled
  DataType type = DataType::kFloat;
  Shape first_shape;
  Shape second_shape;
  size_t first_rank_axis = 1;  // which axis is the rank
  size_t second_rank_axis = 0;
  int64_t groups = 1;
  std::vector<std::string> outputs;  // of the nodes that it belongs to
};

// The file with adapters that come in by further inputs, behind its own. Each is optional: its
// default, an initializer of rank 1 (in a group), is zero, so that the model without an adapter
// computes what it did. The rank is a free dimension of the inputs. Nodes are in the words of every
// opset, an IR version below 4 becomes 4; all else stays to the byte.
//
// InvalidArgument when a node is none of the main graph's (it belongs to a function).
absl::StatusOr<std::shared_ptr<const ModelFile>> AddAdapterInputs(
    const ModelFile& file, absl::Span<const AdapterInput> adapters);

}  // namespace strop
