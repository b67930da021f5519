#pragma once

#include <toml++/toml.h>

#include <optional>
#include <string>

namespace strop {

// A value of a TOML file as it would be typed behind an option; none for tables, arrays, dates and
// times.
std::optional<std::string> TypedText(const toml::node& node);

// A number in the shortest text that reads back as it.
std::string ShortestText(double number);

}  // namespace strop
