#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "plugin/options/model_options.h"

namespace strop {

// What keeps a model from being imported, or from being trained.
struct Obstacle {
  std::string stage;               // "import", "differentiate"
  std::string operator_name;       // that Strop lacks: "com.acme.Fused"
  std::vector<std::string> nodes;  // that use it
  std::string message;             // one line
};

// All that stands in the way of training the whole model, and nothing where nothing does: operators
// that are missing; when none is, gradients that are. Other errors of the import are errors here.
absl::StatusOr<std::vector<Obstacle>> FindObstacles(const ModelOptions& options);

}  // namespace strop
