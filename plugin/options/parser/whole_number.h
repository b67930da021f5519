#pragma once

#include <CLI/App.hpp>
#include <CLI/Validators.hpp>

namespace strop {

// Reads whole numbers, in decimal, that 64 bits hold with a sign or without; the parser itself
// takes what is out of range for the nearest number that is not, and 010 for 8.
CLI::Validator WholeNumber(bool has_sign);

// Has every option of the command that takes whole numbers read so.
void ReadWholeNumbers(CLI::App& command);

}  // namespace strop
