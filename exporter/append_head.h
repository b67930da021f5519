#pragma once

#include <onnx/onnx_pb.h>

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "exporter/replace_head.h"
#include "importer/model_layout.h"

namespace strop {

// A model that was given a head, and what to know of it.
struct ModelWithHead {
  std::string bytes;
  std::vector<std::string> constants;  // its weight and bias
  std::string note;                    // for the user
};

// Puts a linear layer behind a tensor of [batch, features] or [batch, positions, features], the
// first output where `request` names none, and gives its result the first output's name. What
// stood between and serves nothing else is left out. `model` is what ParseWithoutWeights gives.
//
// InvalidArgument when no node computes the tensor, or its type does not say how many features.
absl::StatusOr<ModelWithHead> AppendHead(std::string_view bytes, const ModelLayout& layout,
                                         const onnx::ModelProto& model, const HeadRequest& request);

}  // namespace strop
