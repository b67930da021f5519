#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "importer/importer.h"
#include "plugin/operations/operation.h"
#include "plugin/options/model_options.h"

namespace strop {

inline constexpr OperationTitle kInspect = {
    "inspect", "Interface, parameters, operators; what stands in the way of training"};

struct InspectOptions {
  ModelOptions model = {.keeps_half_types = true};
  bool as_dot = false;  // the graph alone
};

void AddInspectOptions(OptionSet& set, InspectOptions& options);

// What a model takes and gives, what of it can be trained, and what stands in the way, all at once.
struct Inspection {
  struct Operator {
    int count = 0;
    std::string gradient;  // by input, of the definition
  };
  ImportedModel model;
  std::map<std::string, Operator> operators;  // by name
  // Why no gradient reaches a parameter that is to be trained, by its value.
  std::map<ValueId, std::string> unreached;
  std::vector<std::string> obstacles;    // what would fail before the first step
  std::vector<std::string> differences;  // what other runtimes compute otherwise
};

absl::StatusOr<Inspection> Inspect(const InspectOptions& options);

// "trained", "frozen", "statistics"
std::string RoleName(Parameter::Role role);

nlohmann::ordered_json ToJson(const Inspection& inspection);

Operation InspectOperation();

}  // namespace strop
