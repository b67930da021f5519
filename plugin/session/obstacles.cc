#include "plugin/session/obstacles.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "importer/missing_operators.h"
#include "plugin/engine/differentiate/differentiate.h"
#include "plugin/session/vector_jacobian.h"

namespace strop {

absl::StatusOr<std::vector<Obstacle>> FindObstacles(const ModelOptions& options) {
  std::vector<Obstacle> obstacles;
  const absl::StatusOr<ImportedModel> model = LoadModel(options);
  if (!model.ok()) {
    for (const auto& [name, nodes] : MissingOperatorsOf(model.status())) {
      obstacles.push_back({"import", name, nodes,
                           absl::StrCat("operator ", name, " is missing, at \"",
                                        absl::StrJoin(nodes, "\", \""), "\"")});
    }
    if (obstacles.empty()) return model.status();
    return obstacles;
  }
  const absl::StatusOr<Differentiation> whole = ChooseDifferentiation(*model, {});
  if (!whole.ok()) {
    obstacles.push_back({"differentiate", "", {}, std::string(whole.status().message())});
    return obstacles;
  }
  std::vector<ValueId> trained;
  for (const Parameter& parameter : model->parameters) {
    if (parameter.role == Parameter::Role::kTrained) trained.push_back(parameter.value);
  }
  for (const std::string& message :
       DifferentiationObstacles(model->graph, whole->outputs, trained)) {
    obstacles.push_back({"differentiate", "", {}, message});
  }
  return obstacles;
}

}  // namespace strop
