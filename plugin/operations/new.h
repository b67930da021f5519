#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "models/builder/network_builder.h"
#include "plugin/operations/operation.h"
#include "plugin/options/network_arguments.h"

namespace strop {

inline constexpr OperationTitle kNew = {
    "new", "Make a network of a known architecture, to start from nothing"};

struct NewOptions {
  std::string architecture;
  std::string output;
  NetworkArguments network;
  bool splits_weights = false;
  bool lists = false;
  bool is_dry_run = false;
  const OptionSet* set = nullptr;  // knows which were given
};

void AddNewOptions(OptionSet& set, NewOptions& options);

struct NewNetwork {
  std::string architecture;
  int64_t parameter_count = 0;
  size_t parameter_bytes = 0;
  int opset = 0;
  std::vector<NetworkParameter> parameters;
  std::string weight_file;  // beside the output; empty: the weights are in it
};

// Writes the network, unless that is a dry run; `on_built`, which may be null, is told of it before.
// UsageError for an architecture that is none, and for options that it does not have.
absl::StatusOr<NewNetwork> MakeNetwork(const NewOptions& options,
                                       const std::function<void(const NewNetwork&)>& on_built);

nlohmann::ordered_json ToJson(const NewNetwork& network);
// What --list lists, an array.
nlohmann::ordered_json ArchitecturesJson();

Operation NewOperation();

}  // namespace strop
