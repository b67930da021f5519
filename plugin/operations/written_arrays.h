#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "plugin/data/arrays/npz.h"

namespace strop {

// {"output": "out.npz", "arrays": [{"name": …, "type": "float32", "shape": […]}, …]}
nlohmann::ordered_json WrittenArraysJson(const std::string& output,
                                         const std::vector<NamedTensor>& arrays);

}  // namespace strop
