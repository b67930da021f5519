#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "models/builder/network_builder.h"

namespace strop {

// The file beside `path` that holds the weights which do not lie in the model itself.
std::string WeightPathOf(const std::string& path);

// Builds the network and writes it to `path`, its weights to WeightPathOf(path) where `is_split`
// says so, one after another: only the largest is in memory. Errors as AtomicFile's.
absl::Status WriteNetwork(NetworkBuilder& builder, const std::string& architecture, bool is_split,
                          const std::string& path);

}  // namespace strop
