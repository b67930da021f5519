#pragma once

#include <string_view>

namespace strop {

// True if the whole of `text` matches `pattern`, where * stands for any run of characters and ? for
// any one.
bool MatchesGlob(std::string_view pattern, std::string_view text);

}  // namespace strop
