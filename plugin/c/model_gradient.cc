// What strop.h has of gradients and of what stands in their way.

#include "plugin/session/model_gradient.h"

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "graph/status_macros.h"
#include "plugin/c/model.h"
#include "plugin/c/status.h"
#include "plugin/c/tensors.h"
#include "plugin/operations/check.h"
#include "plugin/session/gradient_check.h"
#include "plugin/session/obstacles.h"

namespace strop {
namespace {

using Json = nlohmann::ordered_json;

// Where a dimension is open, random inputs have this one.
constexpr int64_t kOpenDimension = 2;

absl::StatusOr<std::vector<std::string>> TakeNames(const char* const* names, size_t count) {
  std::vector<std::string> taken;
  if (count > 0) STROP_RETURN_IF_ERROR(CheckGiven({{names, "wrt"}}));
  for (size_t i = 0; i < count; ++i) {
    STROP_RETURN_IF_ERROR(CheckGiven({{names[i], "wrt"}}));
    taken.emplace_back(names[i]);
  }
  return taken;
}

Json ToJson(const Obstacle& obstacle) {
  Json json = {{"stage", obstacle.stage}};
  if (!obstacle.operator_name.empty()) {
    json["operator"] = obstacle.operator_name;
    json["nodes"] = obstacle.nodes;
  }
  json["message"] = obstacle.message;
  return json;
}

template <typename Item>
strop_bytes* GiveArray(const std::vector<Item>& items) {
  Json json = Json::array();
  for (const Item& item : items) json.push_back(ToJson(item));
  return GiveJson(json);
}

}  // namespace
}  // namespace strop

using strop::Call;
using strop::CheckGiven;

extern "C" {

strop_status strop_model_gradient(strop_model* model, const strop_tensor* inputs,
                                  size_t input_count, const strop_tensor* cotangents,
                                  size_t cotangent_count, const char* const* wrt, size_t wrt_count,
                                  strop_tensors** gradients) {
  return Call([&]() -> absl::Status {
    STROP_RETURN_IF_ERROR(CheckGiven({{model, "model"}, {gradients, "gradients"}}));
    strop::GradientRequest request;
    STROP_ASSIGN_OR_RETURN(request.inputs, strop::TakeTensors(inputs, input_count, "inputs",
                                                              strop::Elements::kBorrowed));
    if (cotangent_count > 0) {
      STROP_ASSIGN_OR_RETURN(request.cotangents,
                             strop::TakeTensors(cotangents, cotangent_count, "cotangents",
                                                strop::Elements::kBorrowed));
    }
    STROP_ASSIGN_OR_RETURN(request.wrt, strop::TakeNames(wrt, wrt_count));
    STROP_ASSIGN_OR_RETURN(auto computed, strop::ComputeGradients(model->model->imported(), request,
                                                                  model->model->arguments().model));
    *gradients = strop::GiveTensors(std::move(computed));
    return absl::OkStatus();
  });
}

strop_status strop_model_check(strop_model* model, const strop_tensor* inputs, size_t input_count,
                               double tolerance, strop_bytes** json) {
  return Call([&]() -> absl::Status {
    STROP_RETURN_IF_ERROR(CheckGiven({{model, "model"}, {json, "json"}}));
    STROP_ASSIGN_OR_RETURN(const strop::PreparedModel wide, model->model->InDouble());
    const strop::ModelOptions& options = model->model->arguments().model;
    std::vector<strop::Tensor> feeds;
    if (input_count == 0) {
      STROP_ASSIGN_OR_RETURN(
          feeds, strop::RandomFeeds(wide.model.graph, {}, strop::kOpenDimension, options.seed));
    } else {
      STROP_ASSIGN_OR_RETURN(const auto taken, strop::TakeTensors(inputs, input_count, "inputs",
                                                                  strop::Elements::kBorrowed));
      STROP_ASSIGN_OR_RETURN(feeds, strop::FeedsByName(wide.model.graph, taken, "inputs"));
    }
    STROP_ASSIGN_OR_RETURN(const auto checked, strop::CheckGradients(wide.model, std::move(feeds),
                                                                     {.tolerance = tolerance,
                                                                      .seed = options.seed,
                                                                      .plan = options.plan}));
    *json = strop::GiveArray(checked);
    return absl::OkStatus();
  });
}

strop_status strop_obstacles(const char* path, strop_bytes** json) {
  return Call([&]() -> absl::Status {
    STROP_RETURN_IF_ERROR(CheckGiven({{path, "path"}, {json, "json"}}));
    STROP_ASSIGN_OR_RETURN(const auto obstacles, strop::FindObstacles({.path = path}));
    *json = strop::GiveArray(obstacles);
    return absl::OkStatus();
  });
}

}  // extern "C"
