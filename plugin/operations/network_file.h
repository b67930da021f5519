#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "models/builder/network_builder.h"

namespace strop {

// Builds the network and writes it to `path`, its weights, where `is_split` says so, to a
// WeightFile beside it, one after another: only the largest is in memory. Returns that file's name,
// empty without one. Errors as AtomicFile's.
absl::StatusOr<std::string> WriteNetwork(NetworkBuilder& builder, const std::string& architecture,
                                         bool is_split, const std::string& path);

}  // namespace strop
