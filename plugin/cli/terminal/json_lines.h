#pragma once

#include <nlohmann/json.hpp>

namespace strop {

// Prints a line to stdout, which is there at once. Bytes that are no UTF-8 are replaced.
void PrintJsonLine(const nlohmann::ordered_json& json);
// A line for each of an array.
void PrintJsonLines(const nlohmann::ordered_json& array);

}  // namespace strop
