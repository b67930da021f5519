#pragma once

#include <CLI/App.hpp>
#include <string>

namespace strop {

// What the parser found wrong with the options of `app`, in one line. An option that takes one
// value and was given several is told with them: the parser itself names their numbers alone.
std::string ParseProblem(const CLI::App& app, const CLI::ParseError& error);

}  // namespace strop
