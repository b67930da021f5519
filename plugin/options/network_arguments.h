#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "models/architectures/architecture.h"
#include "models/builder/network_options.h"
#include "plugin/options/table/option_set.h"

namespace strop {

// A network that is to be made, as typed.
struct NetworkArguments {
  NetworkOptions network;
  std::string input;  // 3x32x32
  std::string activation;
  std::string initialization;
  std::optional<double> gain;
  std::string fan_mode = "fan_in";
  std::string stem;
};

void AddNetworkOptions(OptionSet& options, NetworkArguments& arguments);

// UsageError when an option was typed that the architecture does not have, or one cannot be read.
absl::StatusOr<NetworkOptions> NetworkOptionsOf(const OptionSet& options,
                                                const Architecture& architecture,
                                                const NetworkArguments& arguments);

}  // namespace strop
