#pragma once

#include <string>

#include "absl/status/status.h"
#include "plugin/options/table/option.h"

namespace strop {

// Puts what `text` says into the option's target, or at the end of it for a list, and into
// `given`. UsageError naming option, text and what was expected.
absl::Status ReadValue(Option& option, const std::string& text);

// The target's value as a text that reads back as it; lists with commas, nothing for what is
// absent.
std::string ValueText(const Option& option);

}  // namespace strop
